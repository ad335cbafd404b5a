/** Messages of one log that were read and may be missing from this node's copy. */
interface Late {
  readonly part: number
  /** Sequence of the first of them, and of the last. */
  first: number
  last: number
}

/**
 * The copies that may lack messages which the follower has read: their logs are this node's own, or in use, or a replica lagged. Nothing
 * else of a log may ever come, so each is looked at until its copy has them, also after a restart.
 */
export class LateCopies {
  readonly #late = new Map<string, Late>()

  /** Notes messages of a log, in their order. */
  note(name: string, part: number, messages: readonly { readonly sequence: number }[]): void {
    const { first, last } = this.#late.get(name) ?? {}
    const [begin, end] = [messages[0]?.sequence ?? 0, messages.at(-1)?.sequence ?? 0]
    this.#late.set(name, { part, first: Math.min(first ?? begin, begin), last: Math.max(last ?? end, end) })
  }

  /** The copy of a log has all messages up to `sequence`. */
  settle(name: string, sequence: number): void {
    const late = this.#late.get(name)
    if (late === undefined) return
    if (sequence >= late.last) this.#late.delete(name)
    else late.first = Math.max(late.first, sequence + 1)
  }

  forget(name: string): void {
    this.#late.delete(name)
  }

  /** The engine has lost a part, which is read anew. */
  forgetPart(part: number): void {
    for (const [name] of this.of(part)) this.#late.delete(name)
  }

  /** The logs of a part with late copies, and the last message that each may lack. */
  of(part: number): [name: string, last: number][] {
    return [...this.#late].flatMap(([name, late]) =>
      late.part === part ? [[name, late.last] as [string, number]] : [],
    )
  }

  /** The place from which a part has to be read after a restart, where it was read up to `after`. */
  placeOf(part: number, after: number): number {
    let place = after
    for (const late of this.#late.values()) if (late.part === part) place = Math.min(place, late.first - 1)
    return place
  }
}
