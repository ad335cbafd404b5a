import type { TaskView } from '@joinery/tasks'
import { FileError } from './file-error.ts'
import type { FileStore, UploadRef } from './file-store.ts'
import { bytesArrived, planOf } from './upload-plan.ts'
import type { UploadInput } from './upload-saga.ts'

/** The bytes of an upload that are in the store, for the status of its block. */
export interface Arrived {
  readonly block: string
  /** Name of the file's status. */
  readonly name: string
  /** Task of the upload, which is the id of its run. */
  readonly task: string
  readonly arrived: number
  readonly bytes: number
}

export interface ArrivalsOptions {
  readonly store: Pick<FileStore, 'parts'>
  /** Shows them. Resolves with false where the block does not show the upload as one that goes on. */
  readonly show: (workspace: string, arrived: Arrived) => Promise<boolean>
  /** Pause between two looks at one upload, ms. */
  readonly progressMs: number
  /** Time after which no part can come to a URL any more, ms. */
  readonly ticketMs: number
  /** Hears of errors that are not of the store. */
  readonly onError: (error: unknown, upload: { readonly workspace: string; readonly task: string }) => void
}

/** A share of the file is told at once, and less when nothing more comes: each telling is a record of the log. */
const SHARE = 0.1

interface Watch {
  readonly workspace: string
  readonly task: string
  readonly upload: UploadRef
  readonly input: UploadInput
  /** Bytes that the block shows. */
  shown: number
  /** Bytes of the last look. */
  seen: number
  /** Pause until the next look, ms: it doubles while nothing comes. */
  pauseMs: number
  timer: NodeJS.Timeout | undefined
}

/**
 * Shows everybody how much of each upload has arrived. The store is asked, since the bytes go there past the server: from the time
 * at which somebody asks for the URL of a part until no part can come to that URL any more. The person who uploads may have left.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #watches = new Map<string, Watch>()
  #isClosed = false

  constructor(options: ArrivalsOptions) {
    this.#options = options
  }

  /** Says that parts of an upload may arrive from now on. */
  expect({ id, workspace, input }: Pick<TaskView, 'id' | 'workspace' | 'input'>, upload: UploadRef): void {
    const { progressMs } = this.#options
    const known = this.#watches.get(id)
    if (known !== undefined) {
      // The look that is due comes in time.
      if (known.pauseMs > progressMs) this.#wait(known, progressMs)
      return
    }
    const about = { workspace, task: id, upload, input: input as unknown as UploadInput }
    const watch: Watch = { ...about, shown: 0, seen: 0, pauseMs: progressMs, timer: undefined }
    this.#watches.set(id, watch)
    this.#wait(watch, progressMs)
  }

  close(): void {
    this.#isClosed = true
    for (const watch of this.#watches.values()) this.#end(watch)
  }

  #wait(watch: Watch, ms: number): void {
    clearTimeout(watch.timer)
    watch.pauseMs = ms
    watch.timer = setTimeout(() => void this.#look(watch), ms).unref()
  }

  #end(watch: Watch): void {
    clearTimeout(watch.timer)
    this.#watches.delete(watch.task)
  }

  async #look(watch: Watch): Promise<void> {
    const { progressMs, ticketMs, onError } = this.#options
    const { workspace, task, pauseMs, seen } = watch
    const sinceMs = performance.now()
    try {
      if (!(await this.#tell(watch))) return this.#end(watch)
    } catch (error) {
      const isOfStore = error instanceof FileError && error.code === 'store_unavailable'
      if (!isOfStore) {
        this.#end(watch)
        // The upload has been joined, or aborted.
        if (!(error instanceof FileError && error.code === 'unknown_upload')) onError(error, { workspace, task })
        return
      }
    }
    if (this.#isClosed || pauseMs > ticketMs) return this.#end(watch)
    // A list of ten thousand parts takes a store long: it has more to do than to be asked.
    const leastMs = Math.max(progressMs, 10 * (performance.now() - sinceMs))
    const isMoving = watch.seen > seen || watch.pauseMs < pauseMs
    this.#wait(watch, isMoving ? leastMs : Math.max(leastMs, 2 * pauseMs))
  }

  /** Looks, and shows what is new. False if nothing more is to be shown. */
  async #tell(watch: Watch): Promise<boolean> {
    const { store, show } = this.#options
    const { workspace, task, upload, input, seen } = watch
    const { block, name, bytes } = input
    const arrived = bytesArrived(planOf(input), await store.parts(upload))
    watch.seen = arrived
    const isQuiet = arrived === seen || arrived === bytes
    if (arrived > watch.shown && (isQuiet || arrived - watch.shown >= SHARE * bytes)) {
      watch.shown = arrived
      if (!(await show(workspace, { block, name, task, arrived, bytes }))) return false
    }
    return arrived < bytes
  }
}
