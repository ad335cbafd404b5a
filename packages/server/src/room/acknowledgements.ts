import type { Member } from './member.ts'

type Kind = 'durable' | 'stored'

interface Group {
  readonly settled: Promise<void>
  readonly entries: Map<Member, { frames: number; lsn: number }>
}

/** The promises of an acknowledgement. */
export interface Acknowledged {
  /** Resolves when everything is as safe as the store promises. */
  readonly durable: Promise<void>
  /** Where that includes other machines: resolves before, when everything is safe on this one. */
  readonly stored?: Promise<void> | undefined
}

/**
 * Tells members how many of their frames are durable: one message per member and group commit, whatever the number of
 * frames. Where other machines take part in that, a second message says before that this one has them.
 */
export class Acknowledgements {
  readonly #groups: { durable: Group | undefined; stored: Group | undefined } = {
    durable: undefined,
    stored: undefined,
  }

  /** Once `durable` resolves, tells the member that its first `frames` update frames are safe at `lsn`. */
  add({ durable, stored }: Acknowledged, member: Member, frames: number, lsn: number): void {
    if (!member.wire.wantsJoinery) return
    this.#groupOf('durable', durable).entries.set(member, { frames, lsn })
    if (stored !== undefined) this.#groupOf('stored', stored).entries.set(member, { frames, lsn })
  }

  #groupOf(kind: Kind, settled: Promise<void>): Group {
    const known = this.#groups[kind]
    if (known?.settled === settled) return known
    const group: Group = { settled, entries: new Map() }
    this.#groups[kind] = group
    const tell = (): void => {
      if (this.#groups[kind] === group) this.#groups[kind] = undefined
      for (const [member, { frames, lsn }] of group.entries) {
        if (kind === 'durable') member.acknowledge({ type: 'durable', frames, lsn })
        // A member that does not read hears the other one.
        else if (!member.wire.isFull) member.tell({ type: 'stored', frames, lsn })
      }
    }
    // If the store closes first, the promise rejects. Then no member is told, and the clients send their edits again
    // elsewhere.
    settled.then(tell, () => undefined)
    return group
  }
}
