import { abort, orAborted, throwIfAborted } from '../abort.ts'
import { backOffDelayMs } from '../back-off.ts'
import { ClientError } from '../client-error.ts'
import { askServer } from '../history-request.ts'
import { type Observable, ObservableValue } from '../observable-value.ts'
import type { Workspace } from '../workspace.ts'
import { hashFile } from './hash-file.ts'
import type { Places } from './places.ts'
import { sendPart } from './send-part.ts'
import { ShownProgress } from './shown-progress.ts'

/** An upload as the server tells of it. */
export interface ServerUpload {
  readonly id: string
  readonly block: string
  readonly name: string
  readonly state: 'beginning' | 'open' | 'checking' | 'synced' | 'failed'
  readonly bytes: number
  readonly partBytes: number
  readonly parts: number
  readonly missing: readonly number[]
  readonly error?: string
}

export interface UploadOptions {
  /** Name that people see; the file's own by default. */
  readonly name?: string | undefined
  /** Media type; the file's own by default. */
  readonly type?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * How an upload is.
 *
 * - `reading`: the file's digest is being made. - `waiting`: the server or the store does not answer; it is asked again.
 * - `uploading`: bytes are on their way. - `checking`: the server reads them back. - `synced`, `failed`, `canceled`: it has ended.
 */
export interface UploadState {
  readonly state: 'reading' | 'waiting' | 'uploading' | 'checking' | 'synced' | 'failed' | 'canceled'
  readonly name: string
  /** Bytes that have arrived or are on their way. */
  readonly sent: number
  readonly bytes: number
  /** The task that does the work at the server, once it is known. */
  readonly id: string | undefined
  /** Cause of a failure, or of the wait. */
  readonly error: string | undefined
}

/** Parts of all uploads of a workspace that are on their way at once. */
export const PARTS_AT_ONCE = 3
/** Pause between two looks at a check, ms: it doubles up to the longest. */
const LOOK_MS = 300
const LOOK_MS_MAX = 3_000

/** One upload of this client. It goes on across lost connections, sleep and expired URLs, until it ends or is canceled. */
export class Upload {
  readonly block: string
  readonly file: Blob
  /** Resolves with the server's last word. Rejects with `upload_failed`, and with the reason of a cancel. */
  readonly finished: Promise<ServerUpload>
  readonly #workspace: Workspace
  readonly #places: Places
  readonly #state: ObservableValue<UploadState>
  readonly #ending = new AbortController()
  readonly #shown: ShownProgress
  readonly #type: string
  /** Bytes of the parts that are on their way, by number. */
  readonly #sending = new Map<number, number>()
  #arrived = 0

  /** Use `uploadsOf(workspace).upload(…)`. */
  constructor(workspace: Workspace, places: Places, block: string, file: Blob, options: UploadOptions) {
    this.block = block
    this.file = file
    this.#workspace = workspace
    this.#places = places
    this.#type = options.type ?? file.type
    const own = 'name' in file && typeof file.name === 'string' ? file.name : ''
    const name = options.name ?? (own === '' ? 'file' : own)
    const start = { state: 'reading', name, sent: 0, bytes: file.size, id: undefined, error: undefined } as const
    this.#state = new ObservableValue<UploadState>(start)
    this.#shown = new ShownProgress(workspace, block)
    const ends = [workspace.closeSignal, options.signal].filter((signal) => signal !== undefined)
    for (const signal of ends)
      signal.addEventListener('abort', () => abort(this.#ending, signal.reason), { once: true })
    this.finished = this.#run()
    // A program that only watches the state must not be ended by it.
    this.finished.catch(() => undefined)
  }

  get state(): Observable<UploadState> {
    return this.#state
  }

  /** Ends the upload, and removes what has arrived. */
  async cancel(): Promise<void> {
    const { id } = this.#state.get()
    abort(this.#ending, new ClientError('upload_failed', 'the upload was canceled'))
    if (id !== undefined)
      await askServer(this.#workspace.target, { path: `/tasks/${encodeURIComponent(id)}/cancel`, body: {} })
  }

  async #run(): Promise<ServerUpload> {
    const { signal } = this.#ending
    try {
      const sha256 = await hashFile(this.file, (sent) => this.#set({ sent }), signal)
      this.#set({ sent: 0 })
      const { name, bytes } = this.#state.get()
      const body = { name, bytes, sha256, ...(this.#type !== '' && { type: this.#type }) }
      const path = `/blocks/${encodeURIComponent(this.block)}/files`
      let upload = await this.#ask(path, body)
      this.#set({ name: upload.name, id: upload.id })
      const own = `/uploads/${encodeURIComponent(upload.id)}`
      for (let looks = 0; upload.state !== 'synced'; looks++) {
        throwIfAborted(signal)
        if (upload.state === 'failed')
          throw new ClientError('upload_failed', upload.error ?? 'the server could not keep the file')
        if (upload.state === 'open' && upload.missing.length > 0) {
          await this.#sendAll(upload)
          upload = await this.#ask(own)
        } else if (upload.state === 'open') {
          this.#set({ state: 'checking', sent: bytes })
          upload = await this.#ask(`${own}/complete`, {})
          looks = 0
        } else {
          await pause(Math.min(LOOK_MS * 2 ** looks, LOOK_MS_MAX), signal)
          upload = await this.#ask(own)
        }
      }
      this.#set({ state: 'synced', sent: bytes, error: undefined })
      return upload
    } catch (error) {
      this.#set({ state: signal.aborted ? 'canceled' : 'failed', error: wordsOf(error) })
      throw error
    } finally {
      this.#shown.end()
    }
  }

  /** Sends the parts that are missing, some at once. Resolves when all were sent, or the upload has to be looked at again. */
  async #sendAll(upload: ServerUpload): Promise<void> {
    const missing = [...upload.missing]
    this.#arrived = upload.bytes - missing.reduce((sum, n) => sum + bytesOf(upload, n), 0)
    this.#tell()
    const stopped = new AbortController()
    const lanes = Array.from({ length: PARTS_AT_ONCE }, async () => {
      for (let n = missing.shift(); n !== undefined && !stopped.signal.aborted; n = missing.shift()) {
        if (!(await this.#sendOne(upload, n))) stopped.abort()
      }
    })
    await Promise.all(lanes)
  }

  /** Sends one part until it has arrived. False if the upload takes no parts any more. */
  async #sendOne(upload: ServerUpload, n: number): Promise<boolean> {
    const { signal } = this.#ending
    const body = this.file.slice((n - 1) * upload.partBytes, (n - 1) * upload.partBytes + bytesOf(upload, n))
    for (let failures = 0; ; ) {
      const leave = await this.#places.enter(signal)
      let retryAfterMs: number | undefined
      try {
        // A URL is asked for when its part is about to be sent: a computer may have slept since the last one.
        const url = await this.#urlOf(upload.id, n)
        if (url === undefined) return false
        const answer = await sendPart(url, body, (bytes) => this.#onBytes(n, bytes), signal)
        throwIfAborted(signal)
        if (answer.status >= 200 && answer.status < 300) {
          this.#sending.delete(n)
          this.#arrived += body.size
          this.#set({ error: undefined })
          this.#tell()
          return true
        }
        this.#sending.delete(n)
        if (answer.status === 404) return false
        retryAfterMs = answer.retryAfterMs
        failures++
        this.#set({ state: 'waiting', error: waitWords(answer.status) })
      } finally {
        leave()
      }
      await pause(Math.max(retryAfterMs ?? 0, backOffDelayMs(failures, Math.random())), signal)
    }
  }

  async #urlOf(id: string, n: number): Promise<string | undefined> {
    const path = `/uploads/${encodeURIComponent(id)}/urls`
    try {
      const { urls } = await this.#patiently<{ urls: readonly { url: string }[] }>(path, { parts: [n] })
      const [first] = urls
      return first && new URL(first.url, `${this.#workspace.target.url.replace(/^ws/, 'http')}/`).href
    } catch (error) {
      if (error instanceof ClientError && error.refusal?.code === 'unknown_upload') return undefined
      throw error
    }
  }

  async #ask(path: string, body?: unknown): Promise<ServerUpload> {
    try {
      return (await this.#patiently<{ upload: ServerUpload }>(path, body)).upload
    } catch (error) {
      // A part was lost on its way into the list: the upload is looked at again.
      if (!(error instanceof ClientError) || error.refusal?.code !== 'upload_incomplete') throw error
      return (await this.#patiently<{ upload: ServerUpload }>(path.replace(/\/complete$/, ''))).upload
    }
  }

  /** Asks until the server answers: an upload outlives its connection. */
  async #patiently<T>(path: string, body?: unknown): Promise<T> {
    const { signal } = this.#ending
    for (let failures = 1; ; failures++) {
      try {
        return await askServer<T>(this.#workspace.target, { path, signal, ...(body !== undefined && { body }) })
      } catch (error) {
        throwIfAborted(signal)
        if (!mayPass(error)) throw error
        this.#set({ state: 'waiting', error: wordsOf(error) })
        await pause(backOffDelayMs(failures, Math.random()), signal)
      }
    }
  }

  #onBytes(n: number, bytes: number): void {
    this.#sending.set(n, bytes)
    this.#tell()
  }

  #tell(): void {
    const { bytes, id, name } = this.#state.get()
    const sending = [...this.#sending.values()].reduce((sum, each) => sum + each, 0)
    const sent = Math.min(bytes, this.#arrived + sending)
    this.#set({ state: 'uploading', sent })
    if (id !== undefined) this.#shown.tell({ id, name, sent, bytes, arrived: this.#arrived })
  }

  #set(change: Partial<UploadState>): void {
    this.#state.set({ ...this.#state.get(), ...change })
  }
}

/** Bytes of the part with this number. */
function bytesOf({ bytes, partBytes, parts }: ServerUpload, n: number): number {
  return n < parts ? partBytes : bytes - (parts - 1) * partBytes
}

/** Whether the same question may be answered otherwise later. A refusal by a proxy has no code of Joinery's. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false
  if (error.code === 'unreachable') return true
  const { status = 0, code } = error.refusal ?? { code: '' }
  if (code === 'store_refused' || code === 'too_large') return false
  return status >= 500 || status === 429 || status === 408
}

function waitWords(status: number): string {
  if (status === 0) return 'the connection to the store broke: trying again'
  if (status === 507) return 'the store has no space left: trying again'
  return `the store answers ${status}: trying again`
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Waits, or less if the network comes back meanwhile. Rejects with the signal's reason. */
async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let end = (): void => undefined
  try {
    const over = new Promise<void>((resolve) => {
      end = resolve
      timer = setTimeout(resolve, delayMs)
      globalThis.addEventListener?.('online', end)
    })
    await orAborted(over, signal)
  } finally {
    clearTimeout(timer)
    globalThis.removeEventListener?.('online', end)
  }
}
