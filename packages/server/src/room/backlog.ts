import type { Counters } from '../counters.ts'
import type { Member } from './member.ts'

/**
 * The bytes that are appended and not durable yet, in all rooms together. They fill memory when storage is slower than
 * people. Beyond `bytesMax`, a member that sends more is held: its wire is not read until half of the bytes are
 * durable. Meanwhile its updates wait in the socket, and then at the client.
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
      if (this.#bytes <= this.#bytesMax / 2) this.#releaseAll()
    }
    // Bytes that a closing store could not make durable are not in memory any more, either.
    durable.then(settled, settled)
  }

  /** Holds a member that has just sent something, if the backlog is full. */
  hold(member: Member): void {
    if (!this.isFull || !member.wire.isOpen || this.#held.has(member)) return
    this.#counters.holds++
    this.#held.add(member)
    member.hold()
  }

  /** Forgets a member that has left. */
  forget(member: Member): void {
    this.#held.delete(member)
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Number of members that are held now. */
  get heldCount(): number {
    return this.#held.size
  }

  #releaseAll(): void {
    for (const member of this.#held) member.release()
    this.#held.clear()
  }
}
