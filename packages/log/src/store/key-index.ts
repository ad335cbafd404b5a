import type { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import type { Lsn } from '../lsn.ts'
import { idempotencyKey } from '../records/key.ts'
import { decodeKeyEntry, encodeKeyEntry } from '../records/key-entry.ts'

/** Finds the record with an idempotency key: on the disk, or on its way there. */
export class KeyIndex {
  readonly #workspace: string
  /**
   * Made at the first key: most workspaces have none, and an empty map takes as much memory as the rest of their log.
   */
  #waiting: Map<string, { readonly lsn: Lsn }> | undefined

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  /**
   * LSN of the record with this key, found without leaving the turn of the event loop. Throws `corrupted` or the
   * storage error.
   */
  find(disk: Database, number: number, idempotency: string): Lsn | undefined {
    const waiting = this.#waiting?.get(idempotency)
    if (waiting !== undefined) return waiting.lsn
    const key = idempotencyKey(number, idempotency)
    const value = disk.getNow(key)
    return value && decodeKeyEntry(this.#workspace, key, value)
  }

  /**
   * Adds a key to the group that holds its record: both are written in one batch. Returns a function that forgets the key,
   * for a record that is taken back.
   */
  add(number: number, idempotency: string, lsn: Lsn, group: Group): () => void {
    group.writes.push(encodeKeyEntry(number, idempotency, lsn))
    this.#waiting ??= new Map()
    const entry = { lsn }
    const waiting = this.#waiting.set(idempotency, entry)
    const forget = (): void => {
      // The key may be that of a later record by now, if this one was taken back.
      if (waiting.get(idempotency) === entry) waiting.delete(idempotency)
    }
    group.durable.then(forget, forget)
    return forget
  }
}
