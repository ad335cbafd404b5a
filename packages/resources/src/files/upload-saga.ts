import { defineSaga, type Saga, step, waitFor } from '@joinery/worker'
import { FileError, type FileErrorCode } from './file-error.ts'
import type { FileQuotas } from './file-quotas.ts'
import type { FileRef, FileStore, UploadRef } from './file-store.ts'
import { type FileLimits, missingParts, planOf, scopeOf, type UploadPlan } from './upload-plan.ts'

export const UPLOAD_SAGA = 'joinery.upload'
/** The signal that all parts are in the store. */
export const UPLOADED = 'uploaded'
const FILE = 'file@1'
/** Looks at the parts before they are given up: one may have come once more since the last look. */
const LOOKS = 3
/** A store may be away for hours: the deadline of the task ends the wait. */
const RETRY = { attempts: 100, firstMs: 1_000, maxMs: 5 * 60_000 }
/** Characters of an error in a status. */
const ERROR_CHARS_MAX = 1_000

/** The input of an upload's task. */
export type UploadInput = {
  readonly block: string
  /** Name of the file's status, which people see. */
  readonly name: string
  readonly bytes: number
  readonly partBytes: number
  readonly type: string
  readonly sha256: string
  /** Actor who uploads. */
  readonly by: string
}

/** The result of the first step: the store's upload; null if the store had the file before. */
export type Begun = { readonly upload: { readonly key: string; readonly id: string } | null }

export interface UploadWork {
  readonly store: FileStore
  readonly limits: FileLimits
  /** Undefined if no quota is set. */
  readonly quotas?: FileQuotas | undefined
  /** Hears of each file that has been uploaded, once its bytes were read back. */
  readonly onUploaded?: (file: FileRef) => void
  /** Whether the block still shows the file as the task's own. */
  shows(workspace: string, task: string, input: UploadInput): Promise<boolean>
  /** Words for people why a task is taken back. */
  reasonOf(workspace: string, task: string): Promise<string>
}

/**
 * The work of an upload: begin it in the store, wait for the parts, join them, read them back and make them the file of their
 * content. Its deadline is the timer that aborts an abandoned upload. The block's status of the machine `file@1` shows it.
 */
export function uploadSaga({ store, limits, shows, reasonOf, onUploaded, quotas }: UploadWork): Saga {
  return defineSaga<UploadInput>({
    name: UPLOAD_SAGA,
    version: 1,
    deadlineMs: limits.abandonMs,
    steps: [
      step<UploadInput>('begin', {
        retry: RETRY,
        async run({ input, workspace, key }): Promise<Begun> {
          if (await store.has(fileOf(workspace, input))) return { upload: null }
          return { upload: { key, id: await store.begin({ scope: scopeOf(workspace), key }) } }
        },
        async compensate({ workspace, task, runKey: key = '', result }) {
          await quotas?.free(task)
          const scope = scopeOf(workspace)
          const begun = result as Begun | undefined
          if (begun?.upload === null) return
          // Without a result nobody knows whether the store has begun: the same name finds it.
          const id = begun?.upload.id ?? (await store.begin({ scope, key }))
          await store.abort({ scope, key, id })
        },
      }),
      // A step of its own: should the block be gone, then the upload is aborted.
      step<UploadInput>('show', {
        run({ input, task, edit }) {
          const { block, name, bytes } = input
          const amounts = bytes > 0 ? { progress: 0, total: bytes } : {}
          edit((d) =>
            d.startStatus(block, { ...statusOf(task, input), name, runId: task, status: 'syncing', ...amounts }),
          )
          return null
        },
        async compensate({ input, workspace, task, edit }) {
          if (!(await shows(workspace, task, input))) return
          const error = (await reasonOf(workspace, task)).slice(0, ERROR_CHARS_MAX).toWellFormed()
          edit((d) => d.reportStatus(input.block, { ...statusOf(task, input), run: task, status: 'failed', error }))
        },
      }),
      waitFor(UPLOADED),
      step<UploadInput>('join', {
        retry: RETRY,
        async run({ input, workspace, results }) {
          const upload = uploadOf(workspace, results.begin)
          if (upload !== undefined) await joinParts(store, upload, planOf(input))
          return null
        },
      }),
      step<UploadInput>('check', {
        retry: RETRY,
        async run({ input, workspace, task, results, beat, edit }) {
          const file = fileOf(workspace, input)
          const upload = uploadOf(workspace, results.begin)
          if (upload !== undefined) {
            if (!(await store.has(file))) await quotas?.bring(task)
            await store.publish(upload, file, (bytes) => beat(bytes, file.bytes))
            onUploaded?.(file)
          }
          await quotas?.keep(task)
          const { bytes, sha256 } = input
          const amounts = bytes > 0 ? { progress: bytes, total: bytes } : {}
          edit((d) =>
            d.reportStatus(input.block, { ...statusOf(task, input), run: task, status: 'synced', ...amounts }),
          )
          return { sha256 }
        },
      }),
    ],
  })
}

/** Joins the parts that are in the store, once all of them are. */
async function joinParts(store: FileStore, upload: UploadRef, plan: UploadPlan): Promise<void> {
  for (let look = 1; ; look++) {
    const parts = await store.parts(upload).catch((error: unknown) => {
      // A store forgets the parts once it has joined them: then a first attempt was made, and its answer was lost.
      if (isCode(error, 'unknown_upload')) return undefined
      throw error
    })
    const missing = parts === undefined ? [] : missingParts(plan, parts)
    if (missing.length > 0) {
      const message = `${missing.length} of ${plan.parts} parts are not in the store any more: upload the file again`
      throw new FileError('upload_incomplete', message)
    }
    try {
      return await store.complete(upload, (parts ?? []).slice(0, plan.parts))
    } catch (error) {
      // A part may have come once more since the list was made.
      if (!isCode(error, 'upload_incomplete') || look === LOOKS) throw error
    }
  }
}

function isCode(error: unknown, code: FileErrorCode): boolean {
  return error instanceof FileError && error.code === code
}

/** The properties of every status of an upload. */
function statusOf(task: string, { name, type, sha256, bytes, by }: UploadInput) {
  return { machine: FILE, name, task, detail: { type, sha256, bytes, by } }
}

export function fileOf(workspace: string, { sha256, bytes }: Pick<UploadInput, 'sha256' | 'bytes'>): FileRef {
  return { scope: scopeOf(workspace), sha256, bytes }
}

/** The store's upload; undefined if the store had the file before. */
export function uploadOf(workspace: string, begun: Begun): UploadRef | undefined {
  return begun.upload === null ? undefined : { scope: scopeOf(workspace), ...begun.upload }
}
