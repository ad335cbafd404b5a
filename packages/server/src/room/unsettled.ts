import type { Clocks } from '../content/waiting-structs.ts'
import type { Member } from './member.ts'

interface Waiting {
  frames: number
  readonly clocks: Map<number, number>
}

/**
 * Members whose edits build on other edits that have not arrived yet. Such an edit is in the log, but nobody sees it.
 * To call it saved would be wrong if the other edits never arrive. So the edit, and every later frame of the member, is
 * acknowledged when the edit shows.
 */
export class Unsettled {
  readonly #waiting = new Map<Member, Waiting>()

  has(member: Member): boolean {
    return this.#waiting.has(member)
  }

  /** Has the member's first `frames` frames wait for `clocks`, besides the clocks that the member waits for already. */
  add(member: Member, frames: number, clocks: Clocks = new Map()): void {
    const waiting = this.#waiting.get(member) ?? { frames, clocks: new Map() }
    waiting.frames = frames
    for (const [client, clock] of clocks) waiting.clocks.set(client, Math.max(clock, waiting.clocks.get(client) ?? 0))
    this.#waiting.set(member, waiting)
  }

  /** Removes and returns the members whose edits show by now. Forgets members whose wires are closed. */
  take(shows: (client: number, clock: number) => boolean): { member: Member; frames: number }[] {
    const settled: { member: Member; frames: number }[] = []
    for (const [member, { frames, clocks }] of this.#waiting) {
      for (const [client, clock] of clocks) if (shows(client, clock)) clocks.delete(client)
      if (member.wire.isOpen && clocks.size > 0) continue
      this.#waiting.delete(member)
      if (clocks.size === 0) settled.push({ member, frames })
    }
    return settled
  }
}
