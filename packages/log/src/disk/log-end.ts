import type { Write } from '../records/write.ts'

/**
 * LevelDB's write buffer: it leaves its write-ahead log for a new one before the first write that finds this much in
 * memory. Twice its default, since the log is left on purpose before that.
 */
export const WRITE_BUFFER_BYTES = 8 * 1024 * 1024
/**
 * Below this many bytes written LevelDB stays with its log. LevelDB counts its memory in blocks of 4 KiB that are at
 * least three quarters full, and counts larger values by themselves.
 */
const SURE_BYTES = (WRITE_BUFFER_BYTES * 3) / 4 - 64 * 1024
/**
 * Most bytes that an entry takes in LevelDB's memory beside key and value: lengths, number, and its place in a list of
 * twelve levels.
 */
const ENTRY_BYTES_MAX = 128

/**
 * Foresees when LevelDB may leave its write-ahead log for a new one. Everything in the old log must be on the disk by
 * then: else power loss could take the end of one log and leave the beginning of the next, which is a gap.
 */
export class LogEnd {
  /** Most bytes that were written to the present log. */
  #bytes = 0
  /** How many of them were written since the last look at which log it is. */
  #bytesSinceLook = 0
  #tidying = 0

  /** Whether LevelDB may leave the log with the first write after these. */
  isNear(writes: readonly Write[]): boolean {
    return this.#tidying > 0 || this.#bytes + weigh(writes) > SURE_BYTES
  }

  /** Whether it is time to leave the log: until LevelDB has left it, every write needs an fsync. */
  get isDue(): boolean {
    return this.#tidying === 0 && this.#bytes > SURE_BYTES
  }

  wrote(writes: readonly Write[]): void {
    const bytes = weigh(writes)
    this.#bytes += bytes
    this.#bytesSinceLook += bytes
  }

  /** Call it when LevelDB was seen to write to another log than before (`true`), or to the same one. */
  looked(hasLeft: boolean): void {
    if (hasLeft) this.#bytes = this.#bytesSinceLook
    this.#bytesSinceLook = 0
  }

  /** LevelDB may leave the log at any moment from now until the returned function is called. */
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
