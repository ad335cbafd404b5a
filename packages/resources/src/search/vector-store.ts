import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { scopeOf } from '../files/upload-plan.ts'
import { decodeVectors, encodeVectors, type Vectors } from './vector-file.ts'

/** Bytes of vectors that stay in memory, of all workspaces together. */
const MEMORY_BYTES_MAX = 128 * 1024 * 1024
/** Files of one workspace and model above which they are joined. */
const FILES_MAX = 32
/** Bytes of one file, so that none is held in memory beside its vectors for long. */
const FILE_BYTES_MAX = 16 * 1024 * 1024

/**
 * The vectors of texts on the disk, by workspace, by the model that made them, and by the hash of the text: an edit leaves the vectors of
 * all other texts as they are. Several processes may add to one directory. A file exists as a whole or not at all, and never changes.
 * All of it can be made anew from the texts: a damaged file is as one that is not there.
 */
export class VectorStore {
  readonly #directory: string
  readonly #filesMax: number
  /** By folder, the one that was used last at the end. */
  readonly #held = new Map<string, Map<string, Vectors>>()

  /** @param filesMax files of one workspace and model above which they are joined */
  constructor(directory: string, filesMax = FILES_MAX) {
    this.#directory = directory
    this.#filesMax = filesMax
  }

  /** The vectors of a workspace by the model with this key. */
  async read(workspace: string, key: string): Promise<Vectors> {
    const folder = this.#folderOf(workspace, key)
    const files = await this.#readFolder(folder)
    const all = new Map<string, Float32Array>()
    for (const vectors of files.values()) for (const [hash, vector] of vectors) all.set(hash, vector)
    return all
  }

  /** Adds vectors. Resolves once they are on the disk. The same ones again change nothing. */
  async add(workspace: string, key: string, vectors: Vectors): Promise<void> {
    if (vectors.size === 0) return
    const folder = this.#folderOf(workspace, key)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const part of partsOf(vectors)) await writeWhole(join(folder, nameOf(part.keys())), encodeVectors(part))
    await syncFolder(folder)
  }

  /**
   * Keeps the vectors of the texts with these hashes, and of those that are added meanwhile. It does something once the files are many,
   * or half of their vectors are of texts that are gone.
   */
  async retain(workspace: string, key: string, hashes: ReadonlySet<string>): Promise<void> {
    const folder = this.#folderOf(workspace, key)
    const files = await this.#readFolder(folder)
    const all = [...files.values()].flatMap((vectors) => [...vectors])
    const kept = new Map(all.filter(([hash]) => hashes.has(hash)))
    if (files.size <= this.#filesMax && all.length <= 2 * kept.size) return
    await this.add(workspace, key, kept)
    const mine = new Set([...partsOf(kept)].map((part) => nameOf(part.keys())))
    for (const name of files.keys()) if (!mine.has(name)) await rm(join(folder, name), { force: true })
  }

  /** Removes the vectors of a workspace, by whatever model. */
  async forget(workspace: string): Promise<void> {
    const folder = join(this.#directory, scopeOf(workspace))
    for (const held of this.#held.keys()) if (held.startsWith(`${folder}/`)) this.#held.delete(held)
    await rm(folder, { recursive: true, force: true })
  }

  /** Removes the vectors of all workspaces but these, and those of models with another key. */
  async keepOnly(workspaces: AsyncIterable<string>, key: string): Promise<void> {
    const gone = new Set(await namesIn(this.#directory))
    if (gone.size === 0) return
    for await (const workspace of workspaces) {
      const scope = scopeOf(workspace)
      if (!gone.delete(scope)) continue
      for (const other of await namesIn(join(this.#directory, scope))) {
        if (other !== key) await rm(join(this.#directory, scope, other), { recursive: true, force: true })
      }
    }
    for (const scope of gone) await rm(join(this.#directory, scope), { recursive: true, force: true })
  }

  /** Reads the files that are new in a folder; those that it has read stand as they were. */
  async #readFolder(folder: string): Promise<ReadonlyMap<string, Vectors>> {
    const before = this.#held.get(folder) ?? new Map<string, Vectors>()
    const files = new Map<string, Vectors>()
    for (const name of await namesIn(folder)) {
      if (!name.endsWith('.vectors')) continue
      const vectors = before.get(name) ?? (await readVectors(join(folder, name)))
      if (vectors !== undefined) files.set(name, vectors)
    }
    this.#held.delete(folder)
    this.#held.set(folder, files)
    let bytes = 0
    for (const [held, { size, value }] of [...this.#held]
      .reverse()
      .map(([name, held]) => [name, sizeOf(held)] as const)) {
      bytes += value
      // The last one stays, however large: its search needs it now.
      if (bytes > MEMORY_BYTES_MAX && held !== folder && size > 0) this.#held.delete(held)
    }
    return files
  }

  #folderOf(workspace: string, key: string): string {
    return join(this.#directory, scopeOf(workspace), key)
  }
}

function sizeOf(files: ReadonlyMap<string, Vectors>): { size: number; value: number } {
  let value = 0
  for (const vectors of files.values()) {
    const dimensions = vectors.values().next().value?.length ?? 0
    value += vectors.size * (dimensions * 4 + 100)
  }
  return { size: files.size, value }
}

/** Splits vectors into those of single files. */
function* partsOf(vectors: Vectors): Generator<Vectors> {
  const dimensions = vectors.values().next().value?.length ?? 0
  const most = Math.max(1, Math.floor(FILE_BYTES_MAX / (dimensions * 4 + 16)))
  const all = [...vectors]
  for (let from = 0; from < all.length; from += most) yield new Map(all.slice(from, from + most))
}

/** Names a file by the texts that it is of: two processes that embed the same ones write the same file. */
function nameOf(hashes: Iterable<string>): string {
  const sum = createHash('sha256')
  for (const hash of hashes) sum.update(hash)
  return `${sum.digest('hex').slice(0, 32)}.vectors`
}

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Undefined for a file that is damaged, or that another process has joined with others meanwhile. */
async function readVectors(path: string): Promise<Vectors | undefined> {
  try {
    return decodeVectors(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
