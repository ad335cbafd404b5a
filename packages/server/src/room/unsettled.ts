import type { Clocks } from '../content/waiting-structs.ts'
import type { Member } from './member.ts'

interface Waiting {
  frames: number
  readonly clocks: Map<number, number>
}

/**
 * Connections that brought edits which build on others that have not come yet. Those are in the log, and nobody sees them:
 * to call them saved would be a lie if the others never came. So they, and what follows them, are acknowledged when they show.
 */
export class Unsettled {
  readonly #waiting = new Map<Member, Waiting>()

  has(member: Member): boolean {
    return this.#waiting.has(member)
  }

  /** Frames up to `frames` wait for `clocks`, besides what the connection waits for already. */
  add(member: Member, frames: number, clocks: Clocks = new Map()): void {
    const waiting = this.#waiting.get(member) ?? { frames, clocks: new Map() }
    waiting.frames = frames
    for (const [client, clock] of clocks) waiting.clocks.set(client, Math.max(clock, waiting.clocks.get(client) ?? 0))
    this.#waiting.set(member, waiting)
  }

  /** Hands out those whose edits show by now, once, and forgets those who are gone. */
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
