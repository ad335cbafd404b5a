/** The events that wait for their resource, while another event of it is handled: by the keys of events and of resources. */
export class HookLine {
  readonly #behind = new Map<string, Set<string>>()
  readonly #resources = new Map<string, string>()

  /** The resource that the event waits for; undefined if it waits for none. */
  resourceOf(event: string): string | undefined {
    return this.#resources.get(event)
  }

  add(event: string, resource: string): void {
    this.leave(event)
    this.#resources.set(event, resource)
    const waiting = this.#behind.get(resource) ?? new Set()
    this.#behind.set(resource, waiting.add(event))
  }

  /** The event waits no more. */
  leave(event: string): void {
    const resource = this.#resources.get(event)
    if (resource === undefined) return
    this.#resources.delete(event)
    const waiting = this.#behind.get(resource)
    waiting?.delete(event)
    if (waiting?.size === 0) this.#behind.delete(resource)
  }

  /** Takes out the event that has waited longest for a resource; undefined if none does. */
  next(resource: string): string | undefined {
    const [event] = this.#behind.get(resource) ?? []
    if (event !== undefined) this.leave(event)
    return event
  }
}
