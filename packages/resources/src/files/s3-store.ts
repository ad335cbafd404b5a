import { createHash } from 'node:crypto'
import { FileError } from './file-error.ts'
import type { FileRef, FileStore, Lack, Part, ShortUrl, Shown, UploadName, UploadRef } from './file-store.ts'
import { S3Connection, type S3Options, type S3Request } from './s3-connection.ts'
import { unavailable } from './s3-error.ts'
import { eachOf, escaped, textOf } from './s3-xml.ts'
import { downloadHeaders } from './shown-type.ts'
import { fileName, scopeName, UPLOADS, uploadName } from './store-names.ts'

/** Statuses by which a store says that it has no such request. */
const NOT_THERE = [405, 501] as const
/** Objects are bytes: the type of a download stands in its URL. */
const TYPE = 'application/octet-stream'
/** Parts in one list, the most that S3 gives. */
const PAGE_PARTS = 1_000

/**
 * Holds files in a bucket that speaks the protocol of S3: `<scope>/<sha256>`, and what is joined but not yet read back in
 * `<scope>/.uploads/<key>`. It needs nothing beyond signed requests, multipart uploads and copies.
 */
export class S3Store implements FileStore {
  readonly kind = 's3'
  readonly #s3: S3Connection
  readonly #lacks = new Set<Lack>()

  readonly #pageParts: number

  constructor(options: S3Options) {
    this.#s3 = new S3Connection(options)
    this.#pageParts = options.pageParts ?? PAGE_PARTS
  }

  get origin(): string {
    return this.#s3.origin
  }

  /** The requests that the store has refused as unknown so far. */
  get lacks(): ReadonlySet<Lack> {
    return this.#lacks
  }

  /** A bucket has no bound that could be asked for. */
  async assertRoom(): Promise<void> {}

  async begin(upload: UploadName): Promise<string> {
    const key = stagedKey(upload)
    // A server that was killed here has an upload already, of which its journal knows nothing.
    const found = await this.#uploadsOf(key)
    const own = found.find((each) => each.key === key)
    if (own !== undefined) return own.id
    const headers = { 'content-type': TYPE, 'x-amz-meta-joinery-key': upload.key }
    const xml = await this.#s3.ask(
      { method: 'POST', key, query: { uploads: '' }, headers },
      'InitiateMultipartUploadResult',
    )
    const id = textOf(xml, 'UploadId')
    if (id === undefined) throw new FileError('store_unavailable', 'the store began an upload and gave it no id')
    return id
  }

  urlOfPart(upload: UploadRef, { n, bytes }: { n: number; bytes: number }): Promise<ShortUrl> {
    const query = { partNumber: String(n), uploadId: upload.id }
    const headers = { 'content-length': String(bytes) }
    return this.#s3.presign({ method: 'PUT', key: stagedKey(upload), query, headers })
  }

  async parts(upload: UploadRef): Promise<readonly Part[]> {
    const parts: Part[] = []
    for (let marker = '0'; ; ) {
      const query = { uploadId: upload.id, 'max-parts': String(this.#pageParts), 'part-number-marker': marker }
      const request: S3Request = { method: 'GET', key: stagedKey(upload), query }
      const xml = await this.#askFor('list_parts', request, 'ListPartsResult')
      if (xml === undefined) {
        const message =
          'the store can’t list the parts of an upload, so that no upload could go on after an interruption: use another store'
        throw new FileError('store_refused', message)
      }
      for (const part of eachOf(xml, 'Part')) {
        const [n, bytes, etag] = [textOf(part, 'PartNumber'), textOf(part, 'Size'), textOf(part, 'ETag')]
        parts.push({ n: Number(n), bytes: Number(bytes), etag: etag ?? '' })
      }
      if (textOf(xml, 'IsTruncated') !== 'true') break
      const next = textOf(xml, 'NextPartNumberMarker') ?? ''
      if (!(Number(next) > Number(marker))) throw unavailable('the store lists some of the parts, and not how to go on')
      marker = next
    }
    return parts.sort((a, b) => a.n - b.n)
  }

  async complete(upload: UploadRef, parts: readonly Part[]): Promise<void> {
    const key = stagedKey(upload)
    const list = parts.map(({ n, etag }) => `<Part><PartNumber>${n}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`)
    const body = `<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`
    const headers = { 'content-type': 'application/xml' }
    const request: S3Request = { method: 'POST', key, query: { uploadId: upload.id }, headers, body }
    try {
      // A list without parts is a fault of the form to some stores, also when they have joined the upload before.
      if (parts.length === 0) throw unknownUpload()
      await this.#s3.ask(request, 'CompleteMultipartUploadResult')
    } catch (error) {
      if (!isUnknown(error)) throw error
      // The answer to an earlier call was lost: then the object is there, and carries the name of the upload.
      const head = await this.#s3.send({ method: 'HEAD', key, expects: [404] })
      if (head.status === 404 || head.headers.get('x-amz-meta-joinery-key') !== upload.key) throw error
    }
  }

  async publish(upload: UploadRef, file: FileRef, onBytes: (bytes: number) => void = () => {}): Promise<void> {
    if (!(await this.has(file))) {
      await this.#makeFile(upload, file, onBytes).catch(async (error: unknown) => {
        // An earlier attempt that was slow may have made the file, and removed what was joined, in between.
        if (!isUnknown(error) || !(await this.has(file))) throw error
      })
    }
    await this.abort(upload)
  }

  async #makeFile(upload: UploadRef, file: FileRef, onBytes: (bytes: number) => void): Promise<void> {
    const staged = stagedKey(upload)
    await this.#readBack(staged, file, onBytes).catch(async (error: unknown) => {
      if (error instanceof FileError && error.code === 'wrong_digest') await this.abort(upload)
      throw error
    })
    // Nobody has a URL that could change the object since it was read.
    const headers = {
      'content-type': TYPE,
      'x-amz-copy-source': encodeURI(this.#s3.sourceOf(staged)),
      'x-amz-metadata-directive': 'REPLACE',
    }
    await this.#s3.ask({ method: 'PUT', key: fileKey(file), headers }, 'CopyObjectResult')
  }

  async abort(upload: UploadRef): Promise<void> {
    const key = stagedKey(upload)
    await this.#abortOne(key, upload.id)
    // A request that came twice, or a second attempt, may have begun another one under the key.
    for (const other of await this.#uploadsOf(key)) if (other.key === key) await this.#abortOne(key, other.id)
    await this.#remove(key)
  }

  async has(file: FileRef): Promise<boolean> {
    const head = await this.#s3.send({ method: 'HEAD', key: fileKey(file), expects: [404] })
    return head.status !== 404 && Number(head.headers.get('content-length')) === file.bytes
  }

  urlOf(file: FileRef, shown: Shown): Promise<ShortUrl> {
    const { contentType, contentDisposition } = downloadHeaders(shown)
    const query = { 'response-content-type': contentType, 'response-content-disposition': contentDisposition }
    return this.#s3.presign({ method: 'GET', key: fileKey(file), query })
  }

  async removeScope(scope: string): Promise<void> {
    const prefix = `${scopeName(scope)}/`
    await this.#abortAll(prefix)
    for (let last: string | undefined; ; ) {
      const query = { 'list-type': '2', prefix: this.#s3.fullKey(prefix) }
      const xml = await this.#s3.ask({ method: 'GET', query }, 'ListBucketResult')
      const keys = eachOf(xml, 'Contents').flatMap((object) => textOf(object, 'Key') ?? [])
      const [first] = keys
      if (first === undefined) return
      // A store that still lists what it has removed would be asked for ever.
      if (first === last)
        throw new FileError('store_unavailable', `the store lists ${first}, which it has removed: try again later`)
      last = first
      for (const key of keys) await this.#remove(this.#s3.keyOf(key))
    }
  }

  /** Aborts the open uploads whose key begins so. A store lists a bounded number at once. */
  async #abortAll(prefix: string): Promise<void> {
    for (let last: string | undefined; ; ) {
      const uploads = await this.#uploadsOf(prefix)
      const [first] = uploads
      // A store that can't abort lists them for ever.
      if (first === undefined || first.id === last) return
      last = first.id
      for (const { key, id } of uploads) await this.#abortOne(key, id)
    }
  }

  async #abortOne(key: string, id: string): Promise<void> {
    const request: S3Request = { method: 'DELETE', key, query: { uploadId: id }, expects: [...NOT_THERE, 404] }
    const aborted = await this.#s3.send(request)
    if (NOT_THERE.some((status) => status === aborted.status)) this.#lacks.add('abort')
    await aborted.body?.cancel()
  }

  async #remove(key: string): Promise<void> {
    const removed = await this.#s3.send({ method: 'DELETE', key, expects: [404] })
    await removed.body?.cancel()
  }

  /** The open uploads whose key begins so; none where the store can't list them. */
  async #uploadsOf(prefix: string): Promise<readonly { key: string; id: string }[]> {
    const query = { uploads: '', prefix: this.#s3.fullKey(prefix) }
    const request: S3Request = { method: 'GET', query }
    const xml = await this.#askFor('list_uploads', request, 'ListMultipartUploadsResult')
    return eachOf(xml ?? '', 'Upload').map((upload) => ({
      key: this.#s3.keyOf(textOf(upload, 'Key') ?? ''),
      id: textOf(upload, 'UploadId') ?? '',
    }))
  }

  /** Sends a request that some stores lack. Resolves with undefined, and notes it, where this one does. */
  async #askFor(lack: Lack, request: S3Request, element: string): Promise<string | undefined> {
    if (this.#lacks.has(lack)) return undefined
    const xml = await this.#s3.askUnless({ ...request, expects: NOT_THERE }, element)
    if (xml === undefined) this.#lacks.add(lack)
    return xml
  }

  /** Reads an object and compares it with the file. */
  async #readBack(key: string, file: FileRef, onBytes: (bytes: number) => void): Promise<void> {
    const answer = await this.#s3.send({ method: 'GET', key, expects: [404] })
    if (answer.status === 404) throw new FileError('unknown_upload', 'the store does not have what was uploaded')
    const hash = createHash('sha256')
    let bytes = 0
    try {
      for await (const chunk of answer.body ?? []) {
        hash.update(chunk)
        bytes += chunk.length
        onBytes(bytes)
      }
    } catch (cause) {
      throw tooEarly(cause)
    }
    const digest = hash.digest('hex')
    if (digest === file.sha256 && bytes === file.bytes) return
    const expected = Number(answer.headers.get('content-length') ?? bytes)
    if (bytes < expected) throw tooEarly(undefined)
    const message = `the bytes that arrived have the SHA-256 ${digest} and the length ${bytes}, and the file has ${file.sha256} and ${file.bytes}: upload it again`
    throw new FileError('wrong_digest', message)
  }
}

function unknownUpload(): FileError {
  return new FileError('unknown_upload', 'the store has no such upload: it was completed, aborted or never begun')
}

function tooEarly(cause: unknown): FileError {
  return new FileError('store_unavailable', 'the store ended its answer too early', { cause })
}

function stagedKey(upload: UploadName): string {
  return `${scopeName(upload.scope)}/${UPLOADS}/${uploadName(upload)}`
}

function fileKey(file: FileRef): string {
  return `${scopeName(file.scope)}/${fileName(file)}`
}

function isUnknown(error: unknown): boolean {
  return error instanceof FileError && error.code === 'unknown_upload'
}
