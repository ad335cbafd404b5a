import type { Lsn } from '../lsn.ts'
import { idempotencyKey, KIND, ownRange } from '../records/key.ts'
import { decodeKeyEntry } from '../records/key-entry.ts'
import { readStoredRecords, type StoredLog } from '../store/stored-records.ts'
import { isDamage, type Problems, reasonOf } from './problem.ts'

/** Checks that idempotency keys and records lead to each other. */
export class KeyCheck {
  readonly #log: StoredLog
  readonly #firstLsn: Lsn
  readonly #problems: Problems
  /** Number of records whose key leads back to them. */
  #matched = 0
  #damage = ''

  constructor(log: StoredLog, firstLsn: Lsn, problems: Problems) {
    this.#log = log
    this.#firstLsn = firstLsn
    this.#problems = problems
  }

  /** Checks a record that carries `key`: the index must lead from the key to it. */
  async expect(key: string, lsn: Lsn): Promise<void> {
    const { workspace, number, moment } = this.#log
    const entryKey = idempotencyKey(number, key)
    const value = await moment.get(entryKey)
    const found = value && this.#decode(entryKey, value)
    if (found === lsn) this.#matched++
    else if (value === undefined || found !== undefined) {
      const leads = found === undefined ? 'is in no index' : `leads to record ${found}`
      const message = `the idempotency key of record ${lsn} of workspace ${workspace} ${leads}`
      this.#problems.add({ code: 'key_missing', message, lsn })
    }
  }

  /** Checks the index: every key must lead to a record that carries it, or to a dropped one. */
  async finish(): Promise<void> {
    const range = ownRange(KIND.idempotency, this.#log.number)
    let count = 0
    for await (const [key, value] of this.#log.moment.entries(range)) {
      const lsn = this.#decode(key, value)
      if (lsn === undefined) this.#problems.add({ code: 'key_damaged', message: this.#damage })
      else if (lsn >= this.#firstLsn) count++
    }
    // If as many keys lead to records as records lead to keys, they are the same pairs, and need not be followed one by
    // one.
    if (count === this.#matched) return
    for await (const [key, value] of this.#log.moment.entries(range)) await this.#followBack(key, value)
  }

  async #followBack(key: Uint8Array, value: Uint8Array): Promise<void> {
    const lsn = this.#decode(key, value)
    if (lsn === undefined || lsn < this.#firstLsn) return
    const { workspace, number } = this.#log
    try {
      for await (const { idempotencyKey: carried } of readStoredRecords(this.#log, lsn, lsn)) {
        if (carried !== undefined && Buffer.compare(idempotencyKey(number, carried), key) === 0) return
      }
    } catch (error) {
      // Damage to the record has been reported.
      if (isDamage(error)) return
      throw error
    }
    const message = `an idempotency key of workspace ${workspace} leads to record ${lsn}, which does not carry it`
    this.#problems.add({ code: 'key_stray', message, lsn })
  }

  /** The LSN that an entry leads to; undefined if the entry is damaged. */
  #decode(key: Uint8Array, value: Uint8Array): Lsn | undefined {
    try {
      return decodeKeyEntry(this.#log.workspace, key, value)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damage = reasonOf(error)
      return undefined
    }
  }
}
