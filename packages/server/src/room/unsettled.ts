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

/** A keyed update of a member that is not in the log: the document does not show these clocks. */
interface Lacking {
  readonly member: Member
  readonly clocks: Map<number, number>
  readonly bytes: number
  readonly resolve: () => void
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
  readonly #lacking = new Set<Lacking>()

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

  /** Resolves when the document shows the clocks that a keyed update of so many bytes builds on, or when its member has left. */
  whenShown(member: Member, clocks: Clocks, bytes: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#lacking.add({ member, clocks: new Map(clocks), bytes, resolve })
    return promise
  }

  /** Bytes of the keyed updates that wait for edits. */
  get lackingBytes(): number {
    let bytes = 0
    for (const lacking of this.#lacking) bytes += lacking.bytes
    return bytes
  }

  /** Wakes the keyed updates whose edits show by now, and those of members that have left. Without a document, only the latter. */
  wake(document?: Shown): void {
    for (const lacking of this.#lacking) {
      if (lacking.member.wire.isOpen && !(document && hasAll(document, lacking.clocks))) continue
      this.#lacking.delete(lacking)
      lacking.resolve()
    }
  }

  /** Removes and returns the members whose edits show by now. Forgets members whose wires are closed. */
  take(document: Shown): Settled {
    const settled = { shown: [] as Settled['shown'][number][], refused: [] as Settled['refused'][number][] }
    for (const [member, { frames, clocks, withheld }] of this.#waiting) {
      if (!hasAll(document, clocks) && member.wire.isOpen) continue
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

/** Whether a document shows all of `clocks`. Takes those out that it shows. */
function hasAll(document: Shown, clocks: Map<number, number>): boolean {
  for (const [client, clock] of clocks) if (document.shows(client, clock)) clocks.delete(client)
  return clocks.size === 0
}

function newWaiting(frames: number): Waiting {
  return { frames, clocks: new Map(), withheld: [] }
}
