import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Passage } from '@joinery/resources/search'
import { DemonstrationError } from '../demonstration-error.ts'

/** Address of the vectors of one run. */
export interface IndexAddress {
  readonly workspace: string
  readonly block: string
  readonly index: string
  readonly run: { readonly no: number; readonly id: string }
}

export interface IndexedPassage extends Passage {
  readonly vector: Float32Array
}

/**
 * The vectors of one server's demonstrations. Each run has a file of its own, so that two jobs never write the same file,
 * and a late job can't replace the vectors of a later run.
 */
export class VectorFiles {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Writes the run's passages with the name of their model, all or nothing. Resolves when they are on disk, so that `done` may be reported. */
  async write(address: IndexAddress, passages: readonly IndexedPassage[], model: string): Promise<void> {
    await this.#makeDirectory(address.workspace)
    const path = this.#pathOf(address)
    const draft = `${path}.${randomBytes(6).toString('hex')}.draft`
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(encodeFile(passages, model))
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  }

  /** Reads the run's passages. Rejects with `vectors_missing` if they are not on this machine (any more), or of another model. */
  async read(address: IndexAddress, model: string): Promise<IndexedPassage[]> {
    try {
      return decodeFile(await readFile(this.#pathOf(address)), model)
    } catch (cause) {
      const reason = `the vectors of run ${address.run.no} by ${model} are not on this machine: start the index again`
      throw new DemonstrationError('vectors_missing', reason, { cause })
    }
  }

  /** Deletes the vectors of earlier runs of the same index: their `done` is never shown again. */
  async removeEarlier(address: IndexAddress): Promise<void> {
    const directory = this.#directoryOf(address.workspace)
    const own = `${indexKey(address)}-`
    for (const name of await readdir(directory)) {
      const no = name.startsWith(own) ? Number.parseInt(name.slice(own.length), 10) : Number.NaN
      if (no < address.run.no) await rm(join(directory, name), { force: true })
    }
  }

  /** Deletes the vectors of all workspaces but these: the text of a deleted workspace must not stay readable in an index. */
  async keepOnly(workspaces: AsyncIterable<string>): Promise<void> {
    const gone = new Set(await readdir(this.#directory).catch(ignoreMissing))
    if (gone.size === 0) return
    for await (const workspace of workspaces) gone.delete(hashed(workspace))
    for (const name of gone) await rm(join(this.#directory, name), { recursive: true, force: true })
  }

  async #makeDirectory(workspace: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const { uid } = await lstat(this.#directory)
    // The directory for temporary files is everybody's: another user may have made this folder first.
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new DemonstrationError(
        'writer_failed',
        `${this.#directory} belongs to another user: remove it, or set TMPDIR`,
      )
    }
    await mkdir(this.#directoryOf(workspace), { recursive: true, mode: 0o700 })
  }

  #directoryOf(workspace: string): string {
    return join(this.#directory, hashed(workspace))
  }

  #pathOf(address: IndexAddress): string {
    const { no, id } = address.run
    return join(this.#directoryOf(address.workspace), `${indexKey(address)}-${no}-${hashed(id)}.vectors`)
  }
}

/** Hash of names, for a file's name. Names come from people; a hashed one can't lead to another file. */
function hashed(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

function indexKey({ block, index }: IndexAddress): string {
  return hashed(block, index)
}

/** Encodes a file: one line of JSON with the passages, then their vectors one after the other. */
function encodeFile(passages: readonly IndexedPassage[], model: string): Buffer {
  const dimensions = passages[0]?.vector.length ?? 0
  const head = { version: 2, model, dimensions, passages: passages.map(({ vector: _, ...passage }) => passage) }
  const vectors = passages.map(({ vector }) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength))
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...vectors])
}

function decodeFile(bytes: Buffer, wanted: string): IndexedPassage[] {
  const end = bytes.indexOf('\n')
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as {
    version: number
    model: string
    dimensions: number
    passages: Passage[]
  }
  const { version, model, dimensions, passages } = head
  const size = dimensions * Float32Array.BYTES_PER_ELEMENT
  if (version !== 2 || model !== wanted || bytes.length !== end + 1 + passages.length * size) {
    throw new Error(`not a vector file of this version by ${wanted}`)
  }
  return passages.map((passage, at) => {
    // Copied, because a Float32Array needs its bytes at a multiple of four, and the line before has any length.
    const from = end + 1 + at * size
    const vector = new Float32Array(Uint8Array.prototype.slice.call(bytes, from, from + size).buffer)
    return { ...passage, vector }
  })
}

function ignoreMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error
  return []
}
