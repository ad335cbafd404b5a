import * as Y from 'yjs'
import { DurabilityLedger } from './durability-ledger.ts'

/**
 * The updates that went out on the open connection and are not acknowledged, with the ledger that counts them. If the server
 * refuses an update, these are the edits to set aside.
 */
export class Outbox {
  readonly ledger = new DurabilityLedger()
  #sent: Uint8Array[] = []
  /** Number of acknowledged frames of this connection, which are no longer in `#sent`. */
  #acknowledged = 0
  #isAnswered = false

  open(): void {
    this.ledger.open()
    this.#forget()
  }

  close(): void {
    this.ledger.close()
    this.#forget()
  }

  /**
   * Whether the answer to the server's SyncStep1 went out. Before it no update may be sent: an update may build on edits that the
   * server lacks, and the answer will hold it anyway.
   */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** Counts a frame that is about to be sent: an answer to SyncStep1, or an update after one. */
  send(kind: 'syncStep2' | 'update', update: Uint8Array): void {
    this.#isAnswered = true
    this.ledger.send(kind)
    this.#sent.push(update)
  }

  acknowledge(frames: number, lsn: number): void {
    this.ledger.acknowledge(frames, lsn)
    this.#sent.splice(0, Math.max(0, frames - this.#acknowledged))
    this.#acknowledged = Math.max(this.#acknowledged, frames)
  }

  /** Frame `frame` and all later frames, which build on it, as one Yjs V1 update. */
  from(frame: number): Uint8Array {
    return Y.mergeUpdates(this.#sent.slice(Math.max(0, frame - 1 - this.#acknowledged)))
  }

  #forget(): void {
    this.#sent = []
    this.#acknowledged = 0
    this.#isAnswered = false
  }
}
