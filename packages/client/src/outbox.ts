import * as Y from 'yjs'
import { DurabilityLedger } from './durability-ledger.ts'

/**
 * What went out on the open connection and is not acknowledged: the ledger's count of it, and the updates themselves, which
 * are what is lost when the server refuses one.
 */
export class Outbox {
  readonly ledger = new DurabilityLedger()
  #sent: Uint8Array[] = []
  /** Frames of this connection acknowledged, and so no longer in `#sent`. */
  #acknowledged = 0
  #hasSynced = false

  open(): void {
    this.ledger.open()
    this.#forget()
  }

  close(): void {
    this.ledger.close()
    this.#forget()
  }

  /**
   * Counts a frame that is about to go out. False keeps it back: an edit made before the answer to the server's SyncStep1
   * builds on what the server may lack, and that answer brings it anyway.
   */
  send(kind: 'syncStep2' | 'update', update: Uint8Array): boolean {
    if (kind === 'syncStep2') this.#hasSynced = true
    if (!this.#hasSynced) return false
    this.ledger.send(kind)
    this.#sent.push(update)
    return true
  }

  acknowledge(frames: number, lsn: number): void {
    this.ledger.acknowledge(frames, lsn)
    this.#sent.splice(0, Math.max(0, frames - this.#acknowledged))
    this.#acknowledged = Math.max(this.#acknowledged, frames)
  }

  /** Frame `frame` and those after it, which build on it, as one Yjs V1 update. */
  from(frame: number): Uint8Array {
    return Y.mergeUpdates(this.#sent.slice(Math.max(0, frame - 1 - this.#acknowledged)))
  }

  #forget(): void {
    this.#sent = []
    this.#acknowledged = 0
    this.#hasSynced = false
  }
}
