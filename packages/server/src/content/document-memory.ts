import { ServerError } from '../server-error.ts'

/** Time after which an unused document goes while the documents take too much memory, ms. */
const COOL_AFTER_WHEN_FULL_MS = 2_000

/** A document that is being built: it counts with what it may take until the documents are counted the next time. */
interface Building {
  readonly bytes: number
  isOver: boolean
}

/**
 * The memory of the live documents of all rooms together, and of those that are being built, by estimate. Beyond `bytesMax` no further
 * document is built.
 */
export class DocumentMemory {
  readonly bytesMax: number
  #counted = 0
  #building: Building[] = []

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#building.reduce((sum, { bytes }) => sum + bytes, this.#counted)
  }

  /** True when more is in memory than may be: idle documents have to go. */
  get isFull(): boolean {
    return this.bytes > this.bytesMax
  }

  /** Time after which an unused document goes, ms: `usualMs`, or less while too much is in memory. */
  coolAfterMs(usualMs: number): number {
    return this.isFull ? Math.min(usualMs, COOL_AFTER_WHEN_FULL_MS) : usualMs
  }

  /**
   * Builds a document of `bytes` bytes of state and records. Rejects with `memory_full` when it does not fit beside the others. One that
   * is alone may be of any size.
   */
  async build<T>(bytes: number, build: () => T | Promise<T>): Promise<T> {
    const building: Building = { bytes: estimateOf(bytes), isOver: false }
    const { bytes: others } = this
    if (others > 0 && others + building.bytes > this.bytesMax) throw memoryFull()
    this.#building.push(building)
    try {
      return await build()
    } finally {
      building.isOver = true
    }
  }

  /** Takes a new count of the documents, which has those that were built meanwhile. */
  count(bytes: number): void {
    this.#counted = bytes
    this.#building = this.#building.filter(({ isOver }) => !isOver)
  }
}

/** Memory of each byte of a state before its structs are known: blocks take 23 times their bytes, texts and values 1 to 6 times. */
const PER_BYTE = 10
function estimateOf(stateBytes: number): number {
  return stateBytes * PER_BYTE
}

export function memoryFull(): ServerError {
  return new ServerError(
    'memory_full',
    'the documents in use take all the memory that they may: connect again, or ask again, in a moment',
  )
}
