import { statSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../durable-file.ts'

/**
 * The write-ahead logs that LevelDB has written to. A `sync` write fsyncs only the newest. No fsync covers the writes without `sync` in
 * one that LevelDB has left until it has made a table of it.
 */
export class WrittenLogs {
  readonly #directory: string
  #newest: string | undefined
  /** Bytes of the newest log when it was last written to. */
  #bytes = 0
  /** Whether a write without `sync` went to another log than that of the last look. */
  #hasMoved = false

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The newest log at the last look; undefined before the first. */
  get newest(): string | undefined {
    return this.#newest
  }

  /** Runs `write`, a `sync` write, and fsyncs the logs that it does not reach. Returns their names. */
  async writeThrough(write: () => Promise<void>): Promise<string[]> {
    const bytesBefore = this.#newestBytes()
    await write()
    // If the write went to the log of the last look, so did all writes since. Only when LevelDB has moved on is the
    // list of files needed, which is long in a store of many tables.
    this.#bytes = this.#newestBytes()
    if (this.#bytes > bytesBefore && !this.#hasMoved) return []
    this.#hasMoved = false
    const logs = await this.#list()
    this.#newest = logs.pop()
    this.#bytes = 0
    for (const name of logs) await this.#syncFile(name)
    return logs
  }

  /** Runs `write`, a write without `sync`. */
  async watch(write: () => Promise<void>): Promise<void> {
    await write()
    const bytes = this.#newestBytes()
    if (this.#newest !== undefined && bytes <= this.#bytes) this.#hasMoved = true
    this.#bytes = bytes
  }

  /** Fsyncs all that was written before the call. Returns the names of the logs. */
  async sync(): Promise<string[]> {
    const isKnown = this.#newest !== undefined && !this.#hasMoved
    const logs = isKnown ? [this.#newest ?? ''] : await this.#list()
    for (const name of logs) await this.#syncFile(name)
    this.#newest ??= logs.at(-1)
    return logs
  }

  async #list(): Promise<string[]> {
    return (await readdir(this.#directory)).filter((name) => name.endsWith('.log')).sort(byNumber)
  }

  /**
   * Bytes of the file; 0 if it is unknown or gone. Synchronous: the kernel answers for an open file without the disk,
   * and another thread takes longer.
   */
  #newestBytes(): number {
    if (this.#newest === undefined) return 0
    return statSync(join(this.#directory, this.#newest), { throwIfNoEntry: false })?.size ?? 0
  }

  async #syncFile(name: string): Promise<void> {
    try {
      const file = await open(join(this.#directory, name), 'r+')
      try {
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      // A log that is gone is in a table, and LevelDB fsyncs tables.
      if (!isMissing(error)) throw error
    }
  }
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10)
}
