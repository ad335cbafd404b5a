import type { Member } from './member.ts'

interface Group {
  readonly durable: Promise<void>
  readonly entries: Map<Member, { frames: number; lsn: number }>
}

/** Tells connections what has become durable: one message per connection and group commit, whatever the number of its frames. */
export class Acknowledgements {
  #group: Group | undefined

  /** Once `durable` resolves, tells `connection` that its first `frames` update frames are safe at `lsn`. */
  add(durable: Promise<void>, member: Member, frames: number, lsn: number): void {
    if (!member.wire.wantsJoinery) return
    if (this.#group?.durable !== durable) this.#group = this.#open(durable)
    this.#group.entries.set(member, { frames, lsn })
  }

  #open(durable: Promise<void>): Group {
    const group: Group = { durable, entries: new Map() }
    const settled = (): void => {
      if (this.#group === group) this.#group = undefined
      for (const [member, { frames, lsn }] of group.entries) member.tell({ type: 'durable', frames, lsn })
    }
    // A store that closes before the group is safe rejects it: then nobody is told, and clients send it again elsewhere.
    durable.then(settled, () => undefined)
    return group
  }
}
