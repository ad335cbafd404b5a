import { createHash } from 'node:crypto'
import { TaskError, type Tasks, type TaskView } from '@joinery/tasks'
import { Arrivals, type ArrivalsOptions, type Arrived } from './arrivals.ts'
import { FileError } from './file-error.ts'
import type { FileQuotas } from './file-quotas.ts'
import type { FileStore, Part, ShortUrl } from './file-store.ts'
import { freeName } from './free-name.ts'
import { bytesOfPart, type FileLimits, isSha256, missingParts, planOf, planUpload } from './upload-plan.ts'
import { type Begun, fileOf, UPLOAD_SAGA, UPLOADED, type UploadInput, uploadOf } from './upload-saga.ts'

/** A file of a block, as its status of the machine `file@1` shows it. */
export interface FileEntry {
  readonly name: string
  readonly status: string
  /** Task of the upload. */
  readonly task: string | undefined
  readonly run: { readonly no: number; readonly id: string }
  readonly sha256: string | undefined
  readonly bytes: number | undefined
  readonly type: string | undefined
}

/** The documents, as files need them. */
export interface FileDocuments {
  /**
   * The files that a block shows; undefined if there is no such block.
   *
   * @param payer the principal that pays for the look; the files of the workspace by default
   */
  filesOf(workspace: string, block: string, payer?: string): Promise<readonly FileEntry[] | undefined>
  /** Shows how much of an upload has arrived. Resolves with false, and shows nothing, where its run does not stand as `syncing`. */
  showArrived(workspace: string, arrived: Arrived): Promise<boolean>
}

export interface FilesOptions {
  readonly store: FileStore
  readonly tasks: Pick<Tasks, 'start' | 'find' | 'signal' | 'events'>
  readonly documents: FileDocuments
  readonly limits: FileLimits
  /** Undefined if no quota is set. */
  readonly quotas?: FileQuotas | undefined
  /** Resolves when a worker serves the saga of uploads. */
  readonly whenServed: () => Promise<void>
  /** Hears why the progress of an upload is shown no more. */
  readonly onArrivalsError: ArrivalsOptions['onError']
}

/** A file that somebody wants to upload. */
export interface UploadRequest {
  readonly block: string
  readonly name: string
  readonly bytes: number
  /** Media type, for people and browsers. */
  readonly type: string
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string
}

/** The person or job that uploads. */
export interface Uploader {
  readonly actor: string
  readonly source: string
  /** The principal whose quotas count: the actor of a token, and without a token the address. */
  readonly principal: string
  /** The principal that pays for looks at the document. */
  readonly payer: string
}

/** An upload as its client sees it. */
export interface UploadView {
  /** Id of the task. */
  readonly id: string
  readonly block: string
  /** Name of the file's status: another than the asked one where that belongs to another file. */
  readonly name: string
  /** `open`: parts are missing, or wait to be joined. `checking`: they are being joined and read back. */
  readonly state: 'beginning' | 'open' | 'checking' | 'synced' | 'failed'
  readonly bytes: number
  readonly partBytes: number
  /** Number of parts. */
  readonly parts: number
  /** Numbers of the parts that have not arrived. */
  readonly missing: readonly number[]
  readonly error?: string
}

export interface PartUrl extends ShortUrl {
  readonly n: number
  readonly bytes: number
}

/** Time for which a request waits for the store to begin, ms. Then the client asks again. */
const BEGIN_MS = 15_000
const TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?[\w.+-]+=[\w.+"-]+)?$/

/** The files of a server: their bytes are in the store, their work is in tasks, and people see their statuses. */
export class Files {
  readonly #options: FilesOptions
  readonly #arrivals: Arrivals

  constructor(options: FilesOptions) {
    this.#options = options
    const { store, documents, limits, onArrivalsError: onError } = options
    const show = (workspace: string, arrived: Arrived) => documents.showArrived(workspace, arrived)
    this.#arrivals = new Arrivals({ store, show, progressMs: limits.progressMs, ticketMs: limits.ticketMs, onError })
  }

  /** Origin of the store's URLs; undefined for the server's own. */
  get origin(): string | undefined {
    return this.#options.store.origin
  }

  /**
   * Starts the upload of a file, or finds the one that was interrupted: it is known by its content, whatever its name. Rejects with
   * `too_large`, `invalid`, `quota_files`, and `store_full`. Resolves with undefined if there is no such block.
   */
  async start(
    workspace: string,
    request: UploadRequest,
    { principal, payer, ...by }: Uploader,
  ): Promise<UploadView | undefined> {
    const { store, tasks, documents, limits, quotas, whenServed } = this.#options
    const { block, bytes, sha256, type } = request
    const { partBytes } = planUpload(bytes, limits)
    if (!isSha256(sha256)) throw new FileError('invalid', 'sha256 must have 64 hexadecimal digits, in small letters')
    const known = await documents.filesOf(workspace, block, payer)
    if (known === undefined) return undefined
    await whenServed()
    const own = known.find((entry) => entry.sha256 === sha256 && entry.status === 'synced' && entry.task !== undefined)
    if (own?.task !== undefined && (await store.has(fileOf(workspace, request)))) {
      const there = await this.#ownView(workspace, own.task)
      if (there !== undefined) return there
    }
    const open = known.find((entry) => entry.sha256 === sha256 && isOpen(entry) && entry.task !== undefined)
    const wanted = { workspace, principal, bytes, sha256 }
    if (open?.task !== undefined) {
      const view = await this.view(workspace, open.task)
      // A server that was killed while it began has not counted it yet.
      if (view.state === 'beginning' || view.state === 'open') await quotas?.hold(open.task, wanted)
      return view
    }
    await store.assertRoom(bytes)
    const name = freeName(request.name, known, sha256)
    const input: UploadInput = {
      block,
      name,
      bytes,
      partBytes,
      sha256,
      by: by.actor,
      type: TYPE.test(type) ? type : 'application/octet-stream',
    }
    // Two tabs that begin at once begin one upload: a run that has ended makes the next key another one.
    const last = known.find((entry) => entry.name === name)?.run.id ?? ''
    const key = `file:${createHash('sha256')
      .update(JSON.stringify([input, last]))
      .digest('hex')}`
    const begin = async (): Promise<TaskView> =>
      (await tasks.start(workspace, { saga: UPLOAD_SAGA, input, key, by, sync: true })).task
    // A file that the workspace has brings no bytes.
    const isFree = quotas === undefined || (await store.has(fileOf(workspace, request)))
    const task = isFree ? await begin() : await quotas.startWithin(wanted, begin)
    return this.#viewOf(await this.#whenBegun(task))
  }

  /** Shows no arrivals any more. */
  close(): void {
    this.#arrivals.close()
  }

  /** The upload as it stands. Rejects with `unknown_upload`. */
  async view(workspace: string, id: string): Promise<UploadView> {
    return this.#viewOf(await this.#find(workspace, id))
  }

  /** URLs for parts. Asking again is free: a client asks late, and again when one has expired. */
  async urls(workspace: string, id: string, numbers: readonly number[]): Promise<readonly PartUrl[]> {
    const { store, limits } = this.#options
    if (numbers.length > limits.urlsMax)
      throw new FileError(
        'invalid',
        `${numbers.length} URLs were asked for, and at most ${limits.urlsMax} may be: ask as they are needed`,
      )
    const task = await this.#find(workspace, id)
    const plan = planOf(inputOf(task))
    const upload = openUploadOf(task)
    if (upload === undefined)
      throw new FileError('unknown_upload', 'the upload takes no parts: it has ended, or the store has the file')
    this.#arrivals.expect(task, upload)
    return Promise.all(
      numbers.map(async (n) => {
        if (!(Number.isInteger(n) && n >= 1 && n <= plan.parts))
          throw new FileError('invalid', `the file has the parts 1 to ${plan.parts}, and no part ${n}`)
        const bytes = bytesOfPart(plan, n)
        return { n, bytes, ...(await store.urlOfPart(upload, { n, bytes })) }
      }),
    )
  }

  /** Says that all parts have arrived. Rejects with `upload_incomplete` and the missing ones. A repeat changes nothing. */
  async complete(
    workspace: string,
    id: string,
    by: { readonly actor: string; readonly source: string },
  ): Promise<UploadView> {
    const task = await this.#find(workspace, id)
    const view = await this.#viewOf(task)
    if (view.state === 'open') {
      if (view.missing.length > 0) {
        const message = `${view.missing.length} of ${view.parts} parts have not arrived: upload them, then complete again`
        throw new FileError('upload_incomplete', message, { details: { missing: view.missing } })
      }
      const signal = { name: UPLOADED, id: UPLOADED, payload: null }
      return this.#viewOf(await this.#options.tasks.signal(workspace, id, signal, by))
    }
    if (view.state === 'beginning')
      throw new FileError('upload_incomplete', 'the store has not begun the upload yet: ask again', {
        details: { missing: [] },
      })
    return view
  }

  /** A URL of a file that is there, for the principal `payer`. Rejects with `unknown_file`. */
  async urlOf(
    workspace: string,
    block: string,
    name: string,
    payer: string,
  ): Promise<ShortUrl & Omit<FileEntry, 'status' | 'task' | 'run'>> {
    const { store, documents } = this.#options
    const entry = (await documents.filesOf(workspace, block, payer))?.find((each) => each.name === name)
    if (
      entry?.status !== 'synced' ||
      entry.sha256 === undefined ||
      entry.bytes === undefined ||
      !isSha256(entry.sha256)
    )
      throw new FileError('unknown_file', `the block has no file ${JSON.stringify(name.slice(0, 100))} that is there`)
    const { sha256, bytes, type = 'application/octet-stream' } = entry
    const file = fileOf(workspace, { sha256, bytes })
    // A workspace that came from another server names files that only that server's store has.
    if (!(await store.has(file))) throw new FileError('unknown_file', 'the store of this server does not have the file')
    return { name, sha256, bytes, type, ...(await store.urlOf(file, { name, type })) }
  }

  /** The upload that has brought a file which is there; undefined if its task is not kept any more. */
  async #ownView(workspace: string, id: string): Promise<UploadView | undefined> {
    try {
      return await this.view(workspace, id)
    } catch (error) {
      if (error instanceof TaskError && error.code === 'unknown_task') return undefined
      throw error
    }
  }

  async #find(workspace: string, id: string): Promise<TaskView> {
    const task = await this.#options.tasks.find(workspace, id)
    if (task.saga !== UPLOAD_SAGA) throw new FileError('unknown_upload', 'the task is no upload')
    return task
  }

  async #whenBegun(started: TaskView): Promise<TaskView> {
    const isReached = (task: TaskView): boolean => begunOf(task) !== undefined || isOver(task)
    if (isReached(started)) return started
    const { workspace, id, lsn } = started
    let last = started
    // Other tasks of the workspace go on meanwhile: only the events of this one are waited for.
    const events = this.#options.tasks.events(workspace, id, { after: lsn, signal: AbortSignal.timeout(BEGIN_MS) })
    for await (const { task } of events) {
      last = task
      if (isReached(task)) break
    }
    return last
  }

  async #viewOf(task: TaskView): Promise<UploadView> {
    const { block, name } = inputOf(task)
    const plan = planOf(inputOf(task))
    const state = stateOf(task)
    const arrived = state === 'open' ? await this.#arrived(task) : []
    // The store has a file that was uploaded before: nothing is missing.
    const missing = state === 'open' && arrived !== undefined ? missingParts(plan, arrived) : []
    return {
      id: task.id,
      block,
      name,
      state,
      ...plan,
      missing,
      ...(task.error !== undefined && { error: task.error.message }),
    }
  }

  async #arrived(task: TaskView): Promise<readonly Part[] | undefined> {
    const upload = openUploadOf(task)
    return upload && (await this.#options.store.parts(upload))
  }
}

function inputOf(task: TaskView): UploadInput {
  return task.input as unknown as UploadInput
}

/** The store's answer, once the block shows the upload. */
function begunOf({ steps }: TaskView): Begun | undefined {
  if (steps.find(({ name }) => name === 'show')?.state !== 'done') return undefined
  return steps.find(({ name }) => name === 'begin')?.result as unknown as Begun
}

/** The store's upload, while it takes parts. */
function openUploadOf(task: TaskView) {
  const begun = begunOf(task)
  return begun === undefined || stateOf(task) !== 'open' ? undefined : uploadOf(task.workspace, begun)
}

function stateOf(task: TaskView): UploadView['state'] {
  if (task.state === 'done') return 'synced'
  if (isOver(task)) return 'failed'
  if (begunOf(task) === undefined) return 'beginning'
  return task.steps.find(({ name }) => name === UPLOADED)?.state === 'done' ? 'checking' : 'open'
}

function isOver({ state, endedAt, isCanceling }: TaskView): boolean {
  return endedAt !== undefined || state === 'compensating' || isCanceling
}

function isOpen({ status }: FileEntry): boolean {
  return status !== 'synced' && status !== 'failed'
}
