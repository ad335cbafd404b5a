import { constants } from 'node:fs'
import { access, copyFile, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { missingIsUndefined } from '../durable-file.ts'
import { readLiveFiles } from '../leveldb/manifest.ts'
import { storageError } from '../storage-error.ts'

const TABLE = /^(\d+)\.(ldb|sst)$/
const LOCK = 'LOCK'
/** Files that hold no data: LevelDB's messages to people, and files of the server and of the file system. */
const NOT_DATA = new Set(['LOG', 'LOG.old', 'CONTROL', 'lost+found'])

/**
 * A copy of a LevelDB directory that can be opened without writing to the original. LevelDB writes whenever it opens:
 * it turns its write-ahead log into a table, and drops what it can't read of the log. So the tables are links, and the
 * rest, a few megabytes, are copies. The lock file is a link to the original's: while the copy is open in this process,
 * no other process can open the original.
 *
 * Not for a directory that this process has open: closing the copy would release that lock as well.
 */
export class ReadingCopy {
  readonly directory: string
  readonly #original: string
  readonly #listing: string

  private constructor(directory: string, original: string, listing: string) {
    this.directory = directory
    this.#original = original
    this.#listing = listing
  }

  /** Throws `unreadable` or another storage error. */
  static async make(original: string): Promise<ReadingCopy> {
    const directory = await mkdtemp(join(tmpdir(), 'joinery-reading-'))
    try {
      const listing = await listingOf(original)
      const live = await readLiveFiles(original).catch(missingIsUndefined)
      for (const { name } of listing) {
        const [from, to] = [resolve(original, name), join(directory, name)]
        const table = TABLE.exec(name)?.[1]
        if (table !== undefined) {
          // Nothing writes to a table that counts. A table that does not count is left over from an unfinished write,
          // and LevelDB may give its name to the next: through a link it would write into the original.
          if (live?.tables.has(Number(table))) await symlink(from, to)
        } else if (name !== LOCK) await copyFile(from, to)
        else if (await isWritable(from)) await symlink(from, to)
      }
      return new ReadingCopy(directory, original, JSON.stringify(listing))
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw storageError(error, original)
    }
  }

  /**
   * Whether the copy still equals the original. Ask once the copy's database is open and the original thus locked:
   * until then another process may have written.
   */
  async isCurrent(): Promise<boolean> {
    return JSON.stringify(await listingOf(this.#original)) === this.#listing
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}

async function listingOf(directory: string): Promise<{ name: string; bytes: number; changedMs: number }[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile() && !NOT_DATA.has(entry.name)).map(({ name }) => name)
  return Promise.all(
    names.sort().map(async (name) => {
      const { size, mtimeMs } = await stat(join(directory, name))
      return { name, bytes: size, changedMs: mtimeMs }
    }),
  )
}

/** A lock file that this process can't write (on a read-only disk, say) can't be locked by others either. */
async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
