import { statSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../durable-file.ts'

/**
 * The write-ahead logs that LevelDB has left for a newer one. A `sync` write reaches only the newest; what was written
 * to an older one without `sync` is in nobody's fsync until its table is built.
 */
export class OlderLogs {
  readonly #directory: string
  #newest: string | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The newest log when last looked; undefined before the first look. */
  get newest(): string | undefined {
    return this.#newest
  }

  /** Runs `write`, a `sync` write, and fsyncs the logs that it does not reach. Gives the names of those. */
  async writeThrough(write: () => Promise<void>): Promise<string[]> {
    const bytesBefore = this.#newestBytes()
    await write()
    // What the write went to is what all writes since the last look went to. This spares the list of files,
    // which is long in a store of many tables, unless LevelDB has moved on.
    if (this.#newestBytes() > bytesBefore) return []
    const logs = (await readdir(this.#directory)).filter((name) => name.endsWith('.log')).sort(byNumber)
    this.#newest = logs.pop()
    for (const name of logs) await syncFile(join(this.#directory, name))
    return logs
  }

  /** 0 if not known, or gone. At once: of an open file the kernel tells without the disk, another thread takes longer. */
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
    // Gone means that its content is in a table by now, and LevelDB fsyncs those.
    if (!isMissing(error)) throw error
  }
}
