import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withDigest } from './disk-copy.ts'
import { asFileError, codeOf, syncFolder, writeWhole } from './disk-files.ts'
import { FileError } from './file-error.ts'
import type { FileRef, FileStore, Part, ShortUrl, Shown, UploadName, UploadRef } from './file-store.ts'
import { type BytePayer, FREE_BYTES, paidBytes } from './paid-bytes.ts'
import { fileName, scopeName, UPLOADS, uploadName } from './store-names.ts'
import { type Grant, Tickets } from './tickets.ts'

/** Begin of the paths of all URLs. */
export const BLOBS = '/v1/blobs/'
/** Begin of the rest in a URL that another process uses: only this disk is looked at. */
export const HERE = 'here/'
/** Space of the disk that uploads leave to the log, bytes. */
const SPARE_BYTES = 64 * 1024 ** 2
/** File in the folder of an upload that says that no part may change any more. */
const SEALED = 'sealed'
/** A part may arrive while its folder is removed, and be there again. */
const REMOVALS_MAX = 3
const PART = /^\d{1,5}$/

export interface DiskStoreOptions {
  /** Folder of the files. It is made when the first upload begins. */
  readonly directory: string
  readonly ticketMs: number
  /** The time, ms since epoch. */
  readonly now?: () => number
  /** Signs the URLs: a new key by default, so that a restart ends all URLs. Processes with one key take each other's URLs. */
  readonly signingKey?: Buffer
  /** The bytes of a file that another process has, by a path of {@link createBlobDoor}; undefined if none has it. */
  readonly elsewhere?: (path: string) => Promise<AsyncIterable<Uint8Array> | undefined>
  /** Has the scope of a file pay for its bytes. By default nobody pays. */
  readonly payer?: BytePayer
}

/**
 * Holds files in a folder: `<scope>/<sha256>`, and the parts of uploads in `<scope>/.uploads/<key>/<n>`. Its URLs are signed paths of
 * the server, which {@link createBlobDoor} answers.
 */
export class DiskStore implements FileStore {
  readonly kind = 'disk'
  readonly origin = undefined
  readonly lacks = new Set<never>()
  readonly #directory: string
  readonly #ticketMs: number
  readonly #now: () => number
  readonly #tickets: Tickets
  readonly #elsewhere: DiskStoreOptions['elsewhere']
  readonly #payer: BytePayer
  /** Files that are being copied to this disk, by their path. */
  readonly #coming = new Map<string, Promise<boolean>>()

  constructor({ directory, ticketMs, now = Date.now, signingKey, elsewhere, payer = FREE_BYTES }: DiskStoreOptions) {
    this.#payer = payer
    this.#directory = directory
    this.#ticketMs = ticketMs
    this.#now = now
    this.#elsewhere = elsewhere
    this.#tickets = new Tickets(now, signingKey)
  }

  async assertRoom(bytes: number): Promise<void> {
    await this.#make(this.#directory)
    const { bavail, bsize } = await statfs(this.#directory)
    const free = bavail * bsize
    // The parts and the file that they are joined to are on the disk at once.
    const needed = 2 * bytes + SPARE_BYTES
    if (free >= needed) return
    const message = `an upload of ${bytes} bytes needs ${needed} on the disk of the files, which has ${free} left: free some, and try again`
    throw new FileError('store_full', message, { retryAfterMs: 10_000 })
  }

  async begin(upload: UploadName): Promise<string> {
    await this.#make(this.#folderOf(upload))
    return upload.key
  }

  async urlOfPart({ scope, key }: UploadRef, { n, bytes }: { n: number; bytes: number }): Promise<ShortUrl> {
    return this.#urlFor({ op: 'put', scope, key, n, bytes })
  }

  async parts(upload: UploadRef): Promise<readonly Part[]> {
    const folder = this.#folderOf(upload)
    const names = await readdir(folder).catch((error: unknown) => {
      throw codeOf(error) === 'ENOENT' ? unknownUpload() : error
    })
    const numbers = names.filter((name) => PART.test(name)).map(Number)
    const parts = await Promise.all(
      numbers.map(async (n) => {
        const { size, mtimeMs, ino } = await stat(join(folder, String(n)))
        return { n, bytes: size, etag: `${ino}-${mtimeMs}-${size}` }
      }),
    )
    return parts.sort((a, b) => a.n - b.n)
  }

  async complete(upload: UploadRef, parts: readonly Part[]): Promise<void> {
    const folder = this.#folderOf(upload)
    const arrived = new Map((await this.parts(upload)).map((part) => [part.n, part.etag]))
    const missing = parts.filter(({ n, etag }) => arrived.get(n) !== etag).map(({ n }) => n)
    if (missing.length > 0) {
      const message = `${missing.length} parts are not there, or are others by now: upload them again`
      throw new FileError('upload_incomplete', message, { details: { missing } })
    }
    await writeFile(join(folder, SEALED), '')
    await syncFolder(folder)
  }

  async publish(upload: UploadRef, file: FileRef, onBytes: (bytes: number) => void = () => {}): Promise<void> {
    if (!(await this.has(file))) {
      await this.#makeFile(upload, file, onBytes).catch(async (error: unknown) => {
        // An earlier attempt that was slow may have made the file, and removed some of its parts or all, in between.
        if (!(await this.hasHere(file))) throw error
      })
    }
    await this.abort(upload)
  }

  async #makeFile(upload: UploadRef, file: FileRef, onBytes: (bytes: number) => void): Promise<void> {
    const folder = this.#folderOf(upload)
    const payer = this.#payer
    const parts = await this.parts(upload)
    const hash = createHash('sha256')
    let bytes = 0
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (const { n } of parts) {
        const part = createReadStream(join(folder, String(n)), { highWaterMark: 1024 ** 2 })
        for await (const chunk of paidBytes(part, file.scope, payer)) {
          hash.update(chunk)
          bytes += chunk.length
          onBytes(bytes)
          yield chunk
        }
      }
      const digest = hash.digest('hex')
      if (digest === file.sha256 && bytes === file.bytes) return
      const message = `the bytes that arrived have the SHA-256 ${digest} and the length ${bytes}, and the file has ${file.sha256} and ${file.bytes}: upload it again`
      throw new FileError('wrong_digest', message)
    }
    try {
      const temporary = join(this.#directory, file.scope, UPLOADS, `${randomUUID()}.tmp`)
      await writeWhole(this.#pathOf(file), temporary, chunks())
    } catch (error) {
      if (error instanceof FileError && error.code === 'wrong_digest') await this.abort(upload)
      throw error
    }
  }

  async abort(upload: UploadRef): Promise<void> {
    await rm(this.#folderOf(upload), { recursive: true, force: true })
  }

  async has(file: FileRef): Promise<boolean> {
    if (await this.hasHere(file)) return true
    if (this.#elsewhere === undefined) return false
    const path = this.#pathOf(file)
    const coming = this.#coming.get(path) ?? this.#bring(file, path, this.#elsewhere)
    this.#coming.set(path, coming)
    return coming.finally(() => this.#coming.delete(path))
  }

  /** Whether the file is on this disk; {@link has} copies it from another one otherwise. */
  async hasHere(file: FileRef): Promise<boolean> {
    return (await found(this.#pathOf(file)))?.size === file.bytes
  }

  async urlOf({ scope, sha256, bytes }: FileRef, { name, type }: Shown): Promise<ShortUrl> {
    return this.#urlFor({ op: 'get', scope, sha256, bytes, name, type })
  }

  async removeScope(scope: string): Promise<void> {
    const folder = join(this.#directory, scopeName(scope))
    try {
      await rm(folder, { recursive: true, maxRetries: REMOVALS_MAX })
      await syncFolder(this.#directory)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  /** Reads what the bearer of a ticket may do. Throws `bad_ticket`. */
  grantOf(ticket: string): Grant {
    return this.#tickets.read(ticket)
  }

  /**
   * Takes the bytes of a part. Rejects with `unknown_upload`, with `wrong_length`, with `store_full`, and with what `body` throws;
   * then nothing of the part is kept.
   */
  async take(grant: Extract<Grant, { op: 'put' }>, body: AsyncIterable<Uint8Array>): Promise<void> {
    const folder = this.#folderOf(grant)
    const paid = this.paid(grant.scope, body)
    // A list of the folder would cost each part as many names as there are parts.
    if (!(await isThere(folder)) || (await isThere(join(folder, SEALED)))) throw unknownUpload()
    async function* exact(): AsyncGenerator<Uint8Array> {
      let bytes = 0
      for await (const chunk of paid) {
        bytes += chunk.length
        if (bytes > grant.bytes) throw wrongLength(grant.bytes, bytes)
        yield chunk
      }
      if (bytes !== grant.bytes) throw wrongLength(grant.bytes, bytes)
    }
    const name = String(grant.n)
    try {
      await writeWhole(join(folder, name), join(folder, `${name}.${randomUUID()}.tmp`), exact())
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? unknownUpload() : error
    }
  }

  /** The same bytes, for which their scope pays. */
  paid(scope: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    return paidBytes(chunks, scope, this.#payer)
  }

  /** The path of a file that a ticket names. */
  pathOf(grant: Extract<Grant, { op: 'get' }>): string {
    return this.#pathOf(grant)
  }

  /** Copies a file of another process to this disk. Resolves with false if none has it. */
  async #bring(file: FileRef, path: string, elsewhere: NonNullable<DiskStoreOptions['elsewhere']>): Promise<boolean> {
    const { scope, sha256, bytes } = file
    const ticket = this.#tickets.sign(
      { op: 'get', scope, sha256, bytes, name: sha256, type: '' },
      this.#now() + this.#ticketMs,
    )
    const chunks = await elsewhere(`${BLOBS}${HERE}${ticket}`)
    if (chunks === undefined) return false
    await this.#make(join(this.#directory, scopeName(scope)))
    await writeWhole(path, `${path}.${randomUUID()}.tmp`, withDigest(this.paid(scope, chunks), sha256))
    return true
  }

  #urlFor(grant: Grant): ShortUrl {
    const expiresAtMs = this.#now() + this.#ticketMs
    return { url: `${BLOBS}${this.#tickets.sign(grant, expiresAtMs)}`, expiresAtMs }
  }

  async #make(folder: string): Promise<void> {
    try {
      const first = await mkdir(folder, { recursive: true, mode: 0o700 })
      if (first !== undefined) await syncFolder(join(first, '..'))
    } catch (error) {
      throw asFileError(error)
    }
  }

  #folderOf(upload: UploadName): string {
    return join(this.#directory, scopeName(upload.scope), UPLOADS, uploadName(upload))
  }

  #pathOf(file: Pick<FileRef, 'scope' | 'sha256'>): string {
    return join(this.#directory, scopeName(file.scope), fileName(file))
  }
}

/** The file or folder at a path; undefined if there is none. */
async function found(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await found(path)) !== undefined
}

function unknownUpload(): FileError {
  return new FileError('unknown_upload', 'the store has no such upload: it was completed, aborted or never begun')
}

function wrongLength(expected: number, got: number): FileError {
  return new FileError(
    'wrong_length',
    `the part must have ${expected} bytes, and ${got} or more came: send the part of the file that the URL is for`,
  )
}
