import { createHash, randomUUID } from 'node:crypto'
import { type FileRef, type FileStore, type Part, scopeOf, type UploadRef } from '@joinery/resources'

/** A store to try, and ways to look at it from outside. */
export interface StoreScene {
  /** A store over the same files, whose time can be set. */
  open(options: { readonly ticketMs: number; readonly now?: () => number }): FileStore
  /** Origin for URLs that are paths of the server. */
  readonly base: string
  /** Paths or keys of all files that are there. */
  files(): Promise<readonly string[]>
  /** Number of uploads that are open. */
  uploads(): Promise<number>
  close(): Promise<void>
}

const MINUTES_MS = 15 * 60_000
/** As many as keep a store busy: ten thousand parts one after the other take an hour. */
const PARTS_AT_ONCE = 8

/** One upload of a test, with its parts. */
export class TrialUpload {
  readonly store: FileStore
  readonly file: FileRef
  readonly parts: readonly Buffer[]
  readonly #scene: StoreScene
  /** The parts with the tags of their answers: some stores can't list them. */
  readonly #sent = new Map<number, Part>()
  #ref: UploadRef | undefined

  constructor(
    scene: StoreScene,
    parts: readonly Buffer[],
    { scope = scopeOf(randomUUID()), store = scene.open({ ticketMs: MINUTES_MS }) } = {},
  ) {
    this.#scene = scene
    this.store = store
    this.parts = parts
    this.file = refOf(Buffer.concat(parts), scope)
  }

  get ref(): UploadRef {
    if (this.#ref === undefined) throw new Error('the upload has not begun')
    return this.#ref
  }

  async begin(key: string = randomUUID()): Promise<UploadRef> {
    const name = { scope: this.file.scope, key }
    this.#ref = { ...name, id: await this.store.begin(name) }
    return this.#ref
  }

  async urlOf(n: number): Promise<string> {
    const bytes = this.parts[n - 1]?.length ?? 0
    return this.absolute((await this.store.urlOfPart(this.ref, { n, bytes })).url)
  }

  /** Uploads one part, and gives the status of the answer. */
  async send(n: number, body: Buffer = this.parts[n - 1] ?? Buffer.alloc(0)): Promise<number> {
    const answer = await fetch(await this.urlOf(n), { method: 'PUT', body: new Uint8Array(body) })
    await answer.arrayBuffer()
    this.#sent.set(n, { n, bytes: body.length, etag: answer.headers.get('etag') ?? '' })
    return answer.status
  }

  async sendAll(): Promise<void> {
    const left = [...this.parts.keys()]
    const lane = async (): Promise<void> => {
      for (let index = left.shift(); index !== undefined; index = left.shift()) {
        const status = await this.send(index + 1)
        if (status >= 300) throw new Error(`part ${index + 1} was answered with ${status}`)
      }
    }
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane))
  }

  /** The parts as the store lists them, or as it has answered each. */
  async listed(): Promise<readonly Part[]> {
    try {
      return await this.store.parts(this.ref)
    } catch (error) {
      if (!this.store.lacks.has('list_parts')) throw error
      return [...this.#sent.values()].sort((a, b) => a.n - b.n)
    }
  }

  async complete(): Promise<void> {
    await this.store.complete(this.ref, await this.listed())
  }

  async download(name: string, type: string): Promise<Response> {
    return fetch(this.absolute((await this.store.urlOf(this.file, { name, type })).url))
  }

  absolute(url: string): string {
    return new URL(url, this.#scene.base).href
  }
}

export function refOf(content: Buffer, scope: string): FileRef {
  return { scope, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
}

export async function put(url: string, body: Buffer): Promise<number> {
  const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(body) })
  await answer.arrayBuffer()
  return answer.status
}

/** Parts of different content: `['aaa', 'bb']` has two. */
export function partsOf(...texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text))
}
