import type { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import type { Lsn } from '../lsn.ts'
import { idempotencyKey } from '../records/key.ts'
import { decodeKeyEntry, encodeKeyEntry } from '../records/key-entry.ts'

/** Which record carries an idempotency key: what the disk says, and what is on its way there. */
export class KeyIndex {
  readonly #workspace: string
  /** Made when a key comes: most workspaces are given none, and an empty map takes as much as their whole log. */
  #waiting: Map<string, Lsn> | undefined

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  /** The record with this key, found without leaving the turn. Throws `corrupted` or the storage error. */
  find(disk: Database, number: number, idempotency: string): Lsn | undefined {
    const waiting = this.#waiting?.get(idempotency)
    if (waiting !== undefined) return waiting
    const key = idempotencyKey(number, idempotency)
    const value = disk.getNow(key)
    return value && decodeKeyEntry(this.#workspace, key, value)
  }

  /** Goes the way of the record it points to: in the same batch. */
  add(number: number, idempotency: string, lsn: Lsn, group: Group): void {
    group.writes.push(encodeKeyEntry(number, idempotency, lsn))
    this.#waiting ??= new Map()
    const waiting = this.#waiting.set(idempotency, lsn)
    const forget = () => waiting.delete(idempotency)
    group.durable.then(forget, forget)
  }
}
