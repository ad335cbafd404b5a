import type { Clocks } from '../content/waiting-structs.ts'
import type { Member } from './member.ts'

/** Edits of a member that were not applied, since only another actor may send them. */
export interface Withheld {
  /** Number of the first of the member's frames that held some. */
  readonly frame: number
  readonly update: Uint8Array
  /** Time until which the other may send them, ms of `performance.now()`. */
  readonly untilMs: number
}

interface Waiting {
  frames: number
  readonly clocks: Map<number, number>
  readonly withheld: Withheld[]
}

/** The part of a document that tells which edits it shows. */
export interface Shown {
  shows(client: number, clock: number): boolean
  includes(update: Uint8Array): boolean
}

/** Members whose frames need wait no longer. */
export interface Settled {
  readonly shown: readonly { readonly member: Member; readonly frames: number }[]
  /** Members of whose withheld edits the writer has sent another content, or nothing in time. */
  readonly refused: readonly { readonly member: Member; readonly frame: number }[]
}

/**
 * Members whose edits nobody sees yet: the edits build on others that have not arrived, or only another actor may send them. To
 * call such an edit saved would be wrong if the others never arrive. So the edit, and every later frame of the member, is
 * acknowledged when the edit shows.
 */
export class Unsettled {
  readonly #waiting = new Map<Member, Waiting>()

  has(member: Member): boolean {
    return this.#waiting.has(member)
  }

  /** Has the member's first `frames` frames wait for `clocks`, and for `withheld`, besides everything that it waits for already. */
  add(member: Member, frames: number, clocks: Clocks = new Map(), withheld?: Withheld): void {
    const waiting = this.#waiting.get(member) ?? newWaiting(frames)
    waiting.frames = frames
    for (const [client, clock] of clocks) waiting.clocks.set(client, Math.max(clock, waiting.clocks.get(client) ?? 0))
    if (withheld !== undefined) waiting.withheld.push(withheld)
    this.#waiting.set(member, waiting)
  }

  /** Bytes of the edits that are withheld from a member now. */
  withheldBytes(member: Member): number {
    return this.#waiting.get(member)?.withheld.reduce((bytes, { update }) => bytes + update.length, 0) ?? 0
  }

  /** Removes and returns the members whose edits show by now. Forgets members whose wires are closed. */
  take(document: Shown): Settled {
    const settled = { shown: [] as Settled['shown'][number][], refused: [] as Settled['refused'][number][] }
    for (const [member, { frames, clocks, withheld }] of this.#waiting) {
      for (const [client, clock] of clocks) if (document.shows(client, clock)) clocks.delete(client)
      if (member.wire.isOpen && clocks.size > 0) continue
      this.#waiting.delete(member)
      if (clocks.size > 0) continue
      const other = withheld.find(({ update }) => !document.includes(update))
      if (other === undefined) settled.shown.push({ member, frames })
      else settled.refused.push({ member, frame: other.frame })
    }
    return settled
  }

  /** Removes and returns the members whose withheld edits have not come in time. */
  takeOverdue(nowMs: number): Settled['refused'] {
    const overdue: Settled['refused'][number][] = []
    for (const [member, { withheld }] of this.#waiting) {
      const late = withheld.find(({ untilMs }) => untilMs <= nowMs)
      if (late === undefined) continue
      this.#waiting.delete(member)
      if (member.wire.isOpen) overdue.push({ member, frame: late.frame })
    }
    return overdue
  }
}

function newWaiting(frames: number): Waiting {
  return { frames, clocks: new Map(), withheld: [] }
}
