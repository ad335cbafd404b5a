import { LogError, type Lsn } from '@joinery/log'
import { makeServerDoc, splitUpdate } from '@joinery/server'
import * as Y from 'yjs'
import { HeapBound } from './heap-bound.mts'

/** Updates per transaction: Yjs goes through all clients of the document in each one. */
const CHUNK_MAX = 1_000
/** Parts into which an update is cut, at most, and the bytes of one, at least: time is looked at after each. */
const PARTS_MAX = 200
const PART_BYTES_MIN = 2_048
/** Share of the time allowed after which the part that a repair keeps ends, so that it surely loads again. */
const KEPT_SHARE = 0.8

/** The bounds of one load, and its observer. */
export interface TrialTerms {
  /** CPU time that a load may take, ms. */
  readonly msMax: number
  /** Memory that the document may add, bytes; any by default. */
  readonly heapBytesMax?: number | undefined
  /** Called before each update is applied. */
  readonly onUpdate?: (lsn: Lsn) => void
}

/**
 * Loads a workspace as a server's room would, into a document that is then thrown away, in this thread. Throws `not_loadable` for an
 * update that Yjs can't read, and when the load takes longer than a server allows (`loadMsMax`): nothing can be served then, and nobody
 * may wait for minutes. The LSN is that of one update if it took at least half of the time, and otherwise that of the first that has to
 * go. With `heapBytesMax` the load also ends where the document takes most of that.
 */
export function loadHere({ msMax, heapBytesMax, onUpdate }: TrialTerms): SyncLoad {
  return new LoadOnTrial(msMax, heapBytesMax === undefined ? undefined : new HeapBound(heapBytesMax), onUpdate)
}

/** A {@link TrialLoad} that is done when its methods return. */
export interface SyncLoad {
  add(update: Uint8Array, lsn: Lsn): void
  finish(): void
}

interface Added {
  readonly lsn: Lsn
  readonly update: Uint8Array
}

class LoadOnTrial implements SyncLoad {
  readonly #msMax: number
  readonly #heap: HeapBound | undefined
  readonly #onUpdate: ((lsn: Lsn) => void) | undefined
  readonly #doc = makeServerDoc()
  #chunk: Added[] = []
  #spentMs = 0
  #firstLsn: Lsn | undefined
  /** The first update with which most of the time is spent. */
  #nearLsn: Lsn | undefined
  #costliest: { readonly lsn: Lsn; readonly ms: number } = { lsn: 0 as Lsn, ms: 0 }

  constructor(msMax: number, heap: HeapBound | undefined, onUpdate: ((lsn: Lsn) => void) | undefined) {
    this.#msMax = msMax
    this.#heap = heap
    this.#onUpdate = onUpdate
  }

  add(update: Uint8Array, lsn: Lsn): void {
    this.#firstLsn ??= lsn
    if (this.#chunk.push({ update, lsn }) >= CHUNK_MAX) this.#flush()
  }

  finish(): void {
    this.#flush()
    // A document that loads but can't be encoded could not be sent to any client.
    Y.encodeStateAsUpdate(this.#doc)
    this.#doc.destroy()
  }

  #flush(): void {
    const chunk = this.#chunk
    this.#chunk = []
    let lsn = 0 as Lsn
    try {
      const sinceMs = cpuMs()
      const spentMs = this.#spentMs
      this.#doc.transact(() => {
        for (const added of chunk) {
          lsn = added.lsn
          this.#apply(added)
        }
      })
      // The end of the transaction belongs to no update.
      this.#spend(lsn, Math.max(0, cpuMs() - sinceMs - (this.#spentMs - spentMs)))
    } catch (error) {
      if (error instanceof LogError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new LogError('not_loadable', `Yjs can't read the update of LSN ${lsn}: ${reason}`, { lsn, cause: error })
    }
  }

  #apply({ update, lsn }: Added): void {
    this.#onUpdate?.(lsn)
    let ms = 0
    for (const part of splitUpdate(update, Math.max(PART_BYTES_MIN, Math.ceil(update.length / PARTS_MAX)))) {
      const sinceMs = cpuMs()
      Y.applyUpdate(this.#doc, part)
      const partMs = cpuMs() - sinceMs
      ms += partMs
      if (ms > this.#costliest.ms) this.#costliest = { lsn, ms }
      this.#spend(lsn, partMs)
      if (this.#heap?.isExceeded()) throw this.#heap.exceededAt(lsn)
    }
  }

  #spend(lsn: Lsn, ms: number): void {
    this.#spentMs += ms
    if (this.#spentMs > this.#msMax * KEPT_SHARE) this.#nearLsn ??= lsn
    if (this.#spentMs > this.#msMax) throw this.#tooLong(this.#nearLsn ?? lsn)
  }

  #tooLong(nearLsn: Lsn): LogError {
    const { lsn, ms } = this.#costliest
    const limit = `it takes more than the ${this.#msMax} ms of CPU that a server allows (loadMsMax)`
    const took = `the update of LSN ${lsn}, with ${Math.round(ms)} of ${Math.round(this.#spentMs)} ms`
    if (ms < this.#spentMs / 2) {
      const way = 'a server that allows more serves it whole'
      const message = `${limit}, all updates together; the greatest share has ${took}; ${way}`
      return new LogError('not_loadable', message, { lsn: nearLsn })
    }
    // Nothing would be left before the first.
    const isFirst = lsn === this.#firstLsn
    return new LogError('not_loadable', `${limit}, because of ${took}`, {
      lsn: isFirst ? nearLsn : (Math.min(lsn, nearLsn) as Lsn),
    })
  }
}

/** CPU time of this thread, ms: a busy machine loads no less than an idle one. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
