import { statSync } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
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
  /** The log that {@link sync} last fsynced, kept open: an fsync needs no free file descriptor, and hears of each error of its own. */
  #kept: { readonly name: string; readonly file: FileHandle } | undefined

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
    this.#bytes = this.#newestBytes()
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
    const logs = this.#newest !== undefined && !this.#hasMoved ? [this.#newest] : await this.#look()
    for (const name of logs) await this.#syncFile(name, name === logs.at(-1))
    return logs
  }

  /** All logs, while writes go on: one that moves on meanwhile says so itself. */
  async #look(): Promise<string[]> {
    this.#hasMoved = false
    const logs = await this.#list()
    const newest = logs.at(-1)
    if (this.#newest === undefined) {
      this.#newest = newest
      this.#bytes = this.#newestBytes()
    } else if (newest !== this.#newest) this.#hasMoved = true
    return logs
  }

  /** Call it when nothing is fsynced any more. */
  async close(): Promise<void> {
    const kept = this.#kept
    this.#kept = undefined
    await kept?.file.close()
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

  async #syncFile(name: string, isKept = false): Promise<void> {
    if (name === this.#kept?.name) return this.#kept.file.datasync()
    let file: FileHandle
    try {
      file = await open(join(this.#directory, name), 'r+')
    } catch (error) {
      // A log that is gone is in a table, and LevelDB fsyncs tables.
      if (isMissing(error)) return
      throw error
    }
    if (isKept) {
      const before = this.#kept
      this.#kept = { name, file }
      await before?.file.close()
    }
    try {
      await file.datasync()
    } finally {
      if (!isKept) await file.close()
    }
  }
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10)
}
