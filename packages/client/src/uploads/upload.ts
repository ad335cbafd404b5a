import { abort, orAborted, throwIfAborted, whenAborted } from '../abort.ts'
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
/** Files that are read for their digests at once. */
export const READ_AT_ONCE = 2

/** The turns that all uploads of a workspace share. */
export interface Turns {
  readonly parts: Places
  readonly readers: Places
}
/** Connections to the store that break one after the other, while the server answers: a browser says no more of a refusal by CORS. */
const FAILURES_OF_STORE = 3
/** Pause between two looks at a check, ms: it doubles up to the longest. */
const LOOK_MS = 300
const LOOK_MS_MAX = 3_000
/** Longest pause that a store may ask for, ms: a person looks on. */
const ASKED_MS_MAX = 5 * 60_000

/** One upload of this client. It goes on across lost connections, sleep and expired URLs, until it ends or is canceled. */
export class Upload {
  readonly block: string
  readonly file: Blob
  /** Resolves with the server's last word. Rejects with `upload_failed`, and with the reason of a cancel. */
  readonly finished: Promise<ServerUpload>
  readonly #workspace: Workspace
  readonly #places: Places
  readonly #readers: Places
  readonly #state: ObservableValue<UploadState>
  readonly #ending = new AbortController()
  readonly #shown: ShownProgress
  readonly #type: string
  /** Bytes of the parts that are on their way, by number. */
  readonly #sending = new Map<number, number>()
  #arrived = 0

  /** Use `uploadsOf(workspace).upload(…)`. */
  constructor(workspace: Workspace, { parts, readers }: Turns, block: string, file: Blob, options: UploadOptions) {
    this.block = block
    this.file = file
    this.#workspace = workspace
    this.#places = parts
    this.#readers = readers
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
    if (id !== undefined) await this.#cancelAtServer(id)
  }

  /** Ends the upload at the server, too, if this client can't send its parts: nobody else does until it is abandoned. */
  async #giveUp(id: string, error: unknown): Promise<never> {
    const isFinal = error instanceof ClientError && error.code === 'upload_failed' && !this.#ending.signal.aborted
    // A server that can't be reached aborts the upload later by itself. The cause is what counts here.
    if (isFinal) await this.#cancelAtServer(id).catch(() => undefined)
    throw error
  }

  #cancelAtServer(id: string): Promise<unknown> {
    return askServer(this.#workspace.target, { path: `/tasks/${encodeURIComponent(id)}/cancel`, body: {} })
  }

  async #run(): Promise<ServerUpload> {
    const { signal } = this.#ending
    try {
      const sha256 = await this.#digest(signal)
      this.#set({ sent: 0 })
      const { name, bytes } = this.#state.get()
      const body = { name, bytes, sha256, ...(this.#type !== '' && { type: this.#type }) }
      const path = `/blocks/${encodeURIComponent(this.block)}/files`
      let upload = await this.#ask(path, body)
      this.#set({ name: upload.name, id: upload.id })
      const own = `/uploads/${encodeURIComponent(upload.id)}`
      let inVain = 0
      for (let looks = 0; upload.state !== 'synced'; looks++) {
        throwIfAborted(signal)
        if (upload.state === 'failed')
          throw new ClientError('upload_failed', upload.error ?? 'the server could not keep the file')
        if (upload.state === 'open' && upload.missing.length > 0) {
          const before = upload.missing.length
          await this.#sendAll(upload).catch((error: unknown) => this.#giveUp(upload.id, error))
          upload = await this.#ask(own)
          inVain = upload.state === 'open' && upload.missing.length >= before ? inVain + 1 : 0
          if (inVain > 0) await this.#waitOut(inVain, IN_VAIN)
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

  /** Reads the file for its digest. Fifty files that are dropped at once would not fit into the memory together. */
  async #digest(signal: AbortSignal): Promise<string> {
    const leave = await this.#readers.enter(signal)
    try {
      return await hashFile(this.file, (sent) => this.#set({ sent }), signal)
    } catch (error) {
      throwIfAborted(signal)
      throw unreadable(error)
    } finally {
      leave()
    }
  }

  /** Sends the parts that are missing, some at once. Resolves when all were sent, or the upload has to be looked at again. */
  async #sendAll(upload: ServerUpload): Promise<void> {
    const missing = [...upload.missing]
    this.#sending.clear()
    this.#arrived = upload.bytes - missing.reduce((sum, n) => sum + bytesOf(upload, n), 0)
    this.#tell()
    const stopped = new AbortController()
    const unlink = whenAborted(this.#ending.signal, () => stopped.abort())
    const { signal } = stopped
    let failure: { readonly error: unknown } | undefined
    const lanes = Array.from({ length: PARTS_AT_ONCE }, async () => {
      try {
        for (let n = missing.shift(); n !== undefined && !signal.aborted; n = missing.shift()) {
          if (!(await this.#sendOne(upload, n, signal))) stopped.abort()
        }
      } catch (error) {
        if (!signal.aborted) failure = { error }
        // None may go on behind an upload that has failed.
        stopped.abort()
      }
    })
    await Promise.all(lanes)
    unlink()
    throwIfAborted(this.#ending.signal)
    if (failure !== undefined) throw failure.error
  }

  /** Sends one part until it has arrived. False if the upload takes no parts any more. */
  async #sendOne(upload: ServerUpload, n: number, signal: AbortSignal): Promise<boolean> {
    const body = this.file.slice((n - 1) * upload.partBytes, (n - 1) * upload.partBytes + bytesOf(upload, n))
    for (let failures = 0; ; ) {
      const leave = await this.#places.enter(signal)
      let retryAfterMs: number | undefined
      try {
        // A URL is asked for when its part is about to be sent: a computer may have slept since the last one.
        const url = await this.#urlOf(upload.id, n, signal)
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
        if (answer.status === 413) throw new ClientError('upload_failed', partRefused(body.size))
        if (answer.status === 0) await assertReadable(body)
        retryAfterMs = answer.retryAfterMs
        failures++
        this.#set({ state: 'waiting', error: waitWords(answer.status, failures) })
      } finally {
        leave()
      }
      await pause(Math.max(Math.min(retryAfterMs ?? 0, ASKED_MS_MAX), backOffDelayMs(failures, Math.random())), signal)
    }
  }

  async #urlOf(id: string, n: number, signal: AbortSignal): Promise<string | undefined> {
    const path = `/uploads/${encodeURIComponent(id)}/urls`
    try {
      const { urls } = await this.#patiently<{ urls: readonly { url: string }[] }>(path, { parts: [n] }, signal)
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
  async #patiently<T>(path: string, body?: unknown, signal = this.#ending.signal): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await askServer<T>(this.#workspace.target, { path, signal, ...(body !== undefined && { body }) })
      } catch (error) {
        throwIfAborted(signal)
        if (!mayPass(error)) throw error
        await this.#waitOut(failures, wordsOf(error), signal)
      }
    }
  }

  /** Waits before another attempt, and says why. */
  async #waitOut(failures: number, error: string, signal = this.#ending.signal): Promise<void> {
    this.#set({ state: 'waiting', error })
    await pause(backOffDelayMs(failures, Math.random()), signal)
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
    if (id !== undefined) this.#shown.tell({ id, name, sent, bytes })
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

/** A browser tells no cause where it can't read a file that was changed, or removed, since it was chosen. */
async function assertReadable(body: Blob): Promise<void> {
  try {
    await body.slice(0, 1).arrayBuffer()
  } catch (cause) {
    throw unreadable(cause)
  }
}

function unreadable(cause: unknown): ClientError {
  const why = 'the file can’t be read any more: it was changed, moved or removed. Choose it once more'
  return new ClientError('upload_failed', why, { cause })
}

/** Something between the page and the store has answered, and kept nothing. */
const IN_VAIN = 'parts were sent, and the store has none of them: something between may answer for it. Trying again'

/** A proxy has a bound of its own, which no repeat changes. */
function partRefused(bytes: number): string {
  return `something before the store refuses requests of ${bytes} bytes (413): its operator raises that bound, or lowers the limit files.partBytes of the server`
}

function waitWords(status: number, failures: number): string {
  // The server has answered in between: it is the store alone that the page does not reach.
  if (status === 0 && failures >= FAILURES_OF_STORE)
    return 'this page can’t reach the store of files, and the server can: trying again. Its operator looks at its address and its CORS rules'
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
