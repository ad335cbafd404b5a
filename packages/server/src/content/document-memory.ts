import { ServerError } from '../server-error.ts'

/** Time after which an unused document goes while the documents take too much memory, ms. */
const COOL_AFTER_WHEN_FULL_MS = 2_000

/** A document that is being built counts with what it may take, and then with what it takes until the documents are counted. */
interface Building {
  bytes: number
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
   * Builds a document of `bytes` bytes of state and records, and asks `measure` for the bytes of memory that it takes. Rejects with
   * `memory_full` when it does not fit beside the others. One that is alone may be of any size.
   */
  async build<T>(bytes: number, build: () => T | Promise<T>, measure: (built: T) => number): Promise<T> {
    const building: Building = { bytes: estimateOf(bytes), isOver: false }
    const { bytes: others } = this
    if (others > 0 && others + building.bytes > this.bytesMax) throw memoryFull()
    this.#building.push(building)
    try {
      const built = await build()
      building.bytes = measure(built)
      return built
    } catch (error) {
      building.bytes = 0
      throw error
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

/**
 * Memory of each byte of a state before its structs and values are known. Texts take 1 to 2 times their bytes, blocks 23 times, and lists
 * of empty objects 32 times.
 */
const PER_BYTE = 24
function estimateOf(stateBytes: number): number {
  return stateBytes * PER_BYTE
}

export function memoryFull(): ServerError {
  return new ServerError(
    'memory_full',
    'the documents in use take all the memory that they may: connect again, or ask again, in a moment',
  )
}
