import { statSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../durable-file.ts'

/**
 * The write-ahead logs that LevelDB has left for a newer one. A `sync` write fsyncs only the newest. No fsync covers
 * the writes without `sync` in an older one until LevelDB has made a table of it.
 */
export class OlderLogs {
  readonly #directory: string
  #newest: string | undefined

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
    if (this.#newestBytes() > bytesBefore) return []
    const logs = (await readdir(this.#directory)).filter((name) => name.endsWith('.log')).sort(byNumber)
    this.#newest = logs.pop()
    for (const name of logs) await syncFile(join(this.#directory, name))
    return logs
  }

  /**
   * Bytes of the file; 0 if it is unknown or gone. Synchronous: the kernel answers for an open file without the disk,
   * and another thread takes longer.
   */
  #newestBytes(): number {
    if (this.#newest === undefined) return 0
    return statSync(join(this.#directory, this.#newest), { throwIfNoEntry: false })?.size ?? 0
  }
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10)
}

async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+')
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
