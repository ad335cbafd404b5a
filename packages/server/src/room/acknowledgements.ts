import type { Member } from './member.ts'

interface Group {
  readonly durable: Promise<void>
  readonly entries: Map<Member, { frames: number; lsn: number }>
}

/**
 * Tells members how many of their frames are durable: one message per member and group commit, whatever the number of
 * frames.
 */
export class Acknowledgements {
  #group: Group | undefined

  /** Once `durable` resolves, tells the member that its first `frames` update frames are safe at `lsn`. */
  add(durable: Promise<void>, member: Member, frames: number, lsn: number): void {
    if (!member.wire.wantsJoinery) return
    if (this.#group?.durable !== durable) this.#group = this.#open(durable)
    this.#group.entries.set(member, { frames, lsn })
  }

  #open(durable: Promise<void>): Group {
    const group: Group = { durable, entries: new Map() }
    const settled = (): void => {
      if (this.#group === group) this.#group = undefined
      for (const [member, { frames, lsn }] of group.entries) member.acknowledge({ type: 'durable', frames, lsn })
    }
    // If the store closes first, `durable` rejects. Then no member is told, and the clients send their edits again
    // elsewhere.
    durable.then(settled, () => undefined)
    return group
  }
}
