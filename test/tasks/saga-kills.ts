import { expect } from 'vitest'
import type { WorkProxy } from './work-proxy.ts'

/** The places that a saga passes: inside its steps, and before and after the server hears of their end. */
export const FORWARD = [
  'create run',
  'before create run done',
  'after create run done',
  'before upload plan done',
  'after upload plan done',
  'upload before',
  'upload after',
  'before upload run file-0.txt done',
  'after upload run file-0.txt done',
  'charge before',
  'charge after',
  'before charge run done',
  'after charge run done',
  'link run',
]
export const END = ['before link run done', 'after link run done']
export const BACK = [
  'before link run failed',
  'after link run failed',
  'charge undo before',
  'charge undo after',
  'before charge undo done',
  'after charge undo done',
  'upload undo before',
  'upload undo after',
  'before upload undo file-0.txt done',
  'after upload undo file-0.txt done',
  'create undo',
  'before create undo done',
  'after create undo done',
]
/** Whether a place is one that only the proxy sees: the server is killed there. */
export const isMessage = (place: string): boolean => /^(before|after) /.test(place)

/** Has whatever passes a place die there, once. */
export class Killer {
  readonly #left: Set<string>
  readonly #kill: (place: string) => Promise<void> | void
  #killing: Promise<void> = Promise.resolve()
  kills = 0

  constructor(places: readonly string[], kill: (place: string) => Promise<void> | void) {
    this.#left = new Set(places)
    this.#kill = kill
  }

  /** Resolves when every place had its kill, and whatever was killed is back. A task may be shown as ended before the proxy has its answer. */
  async whenOver(): Promise<void> {
    await expect.poll(() => [...this.#left]).toEqual([])
    await this.#killing
  }

  /** Whether a kill is still to come at the place. */
  awaits(place: string): boolean {
    return this.#left.has(place)
  }

  /** Whether the passer dies here. */
  dies(place: string): boolean {
    return this.#left.delete(place) && ++this.kills > 0
  }

  /** Kills at a place, and resolves with whether it did. */
  async at(place: string): Promise<boolean> {
    if (!this.dies(place)) return false
    // One after the other: a server takes messages a little before it is known to be back.
    this.#killing = this.#killing.then(() => this.#kill(place))
    await this.#killing
    return true
  }

  /** Kills before and after messages between workers and the server; so does `other`, at places of its own. */
  watch(proxy: WorkProxy, other?: Killer): void {
    const at = async (place: string): Promise<boolean> => {
      const dies = await this.at(place)
      return ((await other?.at(place)) ?? false) || dies
    }
    proxy.before = async ({ name }) => ((await at(`before ${name}`)) ? 'never' : 'go')
    proxy.after = async ({ name }) => void (await at(`after ${name}`))
  }
}
