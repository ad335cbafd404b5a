import type { Counters } from '../counters.ts'
import type { Member } from './member.ts'

/**
 * What has been appended and is not durable yet, all rooms together. When storage is slower than people, it is memory that
 * fills up: beyond `bytesMax` those who bring more are not read from until half of it is safe. What they have sent waits in
 * their sockets, and then with them.
 */
export class Backlog {
  readonly #bytesMax: number
  readonly #held = new Set<Member>()
  #group: { readonly durable: Promise<void>; bytes: number } | undefined
  #bytes = 0
  readonly #counters: Counters

  constructor(bytesMax: number, counters: Counters) {
    this.#bytesMax = bytesMax
    this.#counters = counters
  }

  /** Counts one append until `durable` settles. */
  add(durable: Promise<void>, bytes: number): void {
    this.#bytes += bytes
    if (this.#group?.durable === durable) {
      this.#group.bytes += bytes
      return
    }
    const group = { durable, bytes }
    this.#group = group
    const settled = (): void => {
      if (this.#group === group) this.#group = undefined
      this.#bytes -= group.bytes
      if (this.#bytes <= this.#bytesMax / 2) this.#letGo()
    }
    // What a closing store could not make safe is not kept in memory either.
    durable.then(settled, settled)
  }

  /** Holds a connection that has just brought something, if there is too much already. */
  hold(member: Member): void {
    if (!this.isFull || !member.wire.isOpen || this.#held.has(member)) return
    this.#counters.holds++
    this.#held.add(member)
    member.hold()
  }

  /** The connection is gone. */
  forget(member: Member): void {
    this.#held.delete(member)
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Connections that are not read from now. */
  get heldCount(): number {
    return this.#held.size
  }

  #letGo(): void {
    for (const member of this.#held) member.release()
    this.#held.clear()
  }
}
