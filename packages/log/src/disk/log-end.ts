import type { Write } from '../records/write.ts'

/**
 * LevelDB leaves its write-ahead log for a new one before the first write that finds so much in memory. Twice its default:
 * the log is left on purpose before that.
 */
export const WRITE_BUFFER_BYTES = 8 * 1024 * 1024
/**
 * It counts blocks of 4 KiB that are at least three quarters full, and larger values by themselves: with less than this
 * written it stays with its log.
 */
const SURE_BYTES = (WRITE_BUFFER_BYTES * 3) / 4 - 64 * 1024
/** What an entry takes there beside its key and value, at most: lengths, number, place in a list of twelve levels. */
const ENTRY_BYTES_MAX = 128

/**
 * Foresees when LevelDB may leave its write-ahead log for a new one. What it leaves must be on the disk by then: power
 * loss could else take the end of one log and leave the beginning of the next, which is a gap.
 */
export class LogEnd {
  /** Written to the present log, at most. */
  #bytes = 0
  /** Of these since the last look at which log that is. */
  #bytesSinceLook = 0
  #tidying = 0

  /** Whether the log may be left with the first write after these. */
  isNear(writes: readonly Write[]): boolean {
    return this.#tidying > 0 || this.#bytes + weigh(writes) > SURE_BYTES
  }

  /** Whether it is time to leave the log: until that has happened every write needs an fsync. */
  get isDue(): boolean {
    return this.#tidying === 0 && this.#bytes > SURE_BYTES
  }

  wrote(writes: readonly Write[]): void {
    const bytes = weigh(writes)
    this.#bytes += bytes
    this.#bytesSinceLook += bytes
  }

  /** LevelDB was seen to write to another log than the last time, or to the same. */
  looked(hasLeft: boolean): void {
    if (hasLeft) this.#bytes = this.#bytesSinceLook
    this.#bytesSinceLook = 0
  }

  /** From now until what is returned is called the log may be left at any moment. */
  beNear(): () => void {
    this.#tidying++
    return () => void this.#tidying--
  }
}

function weigh(writes: readonly Write[]): number {
  let bytes = 0
  for (const write of writes) {
    bytes += ENTRY_BYTES_MAX + write.key.byteLength + (write.type === 'put' ? write.value.byteLength : 0)
  }
  return bytes
}
