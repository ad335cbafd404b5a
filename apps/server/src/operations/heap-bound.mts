import { getHeapStatistics } from 'node:v8'
import { LogError, type Lsn } from '@joinery/log'
import { collectGarbage } from '../memory-relief.mts'

/** Share of the memory that the document of the part that a repair keeps may take: its load takes about twice that for a moment. */
const KEPT_SHARE = 0.45
/** Memory of the thread of a trial without a document, bytes. */
const THREAD_BYTES = 8 * 1024 * 1024
/** Share of the memory by which the heap grows between two collections, which tell garbage from the document. */
const LOOK_SHARE = 1 / 16

/** A bound on what a document adds to the heap of this thread, which has room for twice as much. */
export class HeapBound {
  readonly #bytesMax: number
  /** Bytes that the document of the kept part may take. */
  readonly #keptMax: number
  readonly #before: number
  /** Size of the heap at which the next collection is due, bytes. */
  #lookAt: number

  constructor(bytesMax: number) {
    collectGarbage()
    this.#bytesMax = bytesMax
    this.#keptMax = Math.max(0, bytesMax * KEPT_SHARE - THREAD_BYTES)
    this.#before = heapBytes()
    this.#lookAt = this.#before + this.#keptMax
  }

  /** Whether the document takes more than that of the part that a repair keeps may. */
  isExceeded(): boolean {
    if (heapBytes() < this.#lookAt) return false
    collectGarbage()
    const bytes = heapBytes()
    this.#lookAt = Math.max(this.#lookAt, bytes + this.#bytesMax * LOOK_SHARE)
    return bytes - this.#before > this.#keptMax
  }

  exceededAt(lsn: Lsn): LogError {
    const message = `it takes more than the ${mebibytes(this.#bytesMax)} MiB of memory that a server allows (trialHeapBytes), and with LSN ${lsn} half of that; a server that allows more serves it whole`
    return new LogError('not_loadable', message, { lsn })
  }
}

function heapBytes(): number {
  return getHeapStatistics().used_heap_size
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / (1024 * 1024))
}
