import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FILE, getBlock } from '@joinery/blocks'
import {
  createBlobDoor,
  DiskStore,
  FILE_LIMITS,
  type FileDocuments,
  type FileEntry,
  type FileLimits,
  type FileStore,
  Files,
  scopeOf,
  uploadSaga,
} from '@joinery/resources'
import type { Server, WorkspaceId } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import { type RunningWorker, startWorker } from '@joinery/worker'
import type { Logger } from 'pino'
import type { ServeConfig } from '../serve-config.mts'
import { filesFolderOf } from './files-folder.mts'

export interface ServedFilesOptions {
  readonly config: Pick<ServeConfig, 'dataDirectory' | 'durability'>
  readonly server: Server
  readonly tasks: TaskEngine
  /** Token of the server's own worker; undefined without keys. */
  readonly workerToken: string | undefined
  /** Address of the server for a process of this machine. */
  readonly url: () => string
  readonly logger: Logger
  readonly limits?: Partial<FileLimits>
  /** A folder beside the log by default. */
  readonly store?: FileStore
}

export interface ServedFiles {
  readonly files: Files
  /** Bytes of files that have been uploaded since the start. */
  readonly uploadedBytes: number
  /** Answers the URLs of a store on the disk. False for any other path. */
  readonly door: ReturnType<typeof createBlobDoor>
  /** Goes on with uploads that were open when the last server ended. Call it once the server takes connections. */
  resume(): void
  close(): Promise<void>
}

/**
 * Opens the files of a server. Their work is a saga, which a worker within this process runs: it has the server's own code alone, and
 * begins with the first upload.
 */
export function openServedFiles(options: ServedFilesOptions): ServedFiles {
  const { config, server, tasks, workerToken, url, logger } = options
  const limits = { ...FILE_LIMITS, ...options.limits }
  const isInMemory = config.durability === 'memory'
  const directory = isInMemory ? join(tmpdir(), `joinery-files-${randomUUID()}`) : filesFolderOf(config.dataDirectory)
  const disk = options.store === undefined ? new DiskStore({ directory, ticketMs: limits.ticketMs }) : undefined
  const store = options.store ?? disk
  if (store === undefined) throw new Error('there is no store')
  const documents = fileDocuments(server)
  let uploadedBytes = 0
  let worker: RunningWorker | undefined
  let served: Promise<void> | undefined
  const whenServed = (): Promise<void> => {
    served ??= new Promise((resolve) => {
      const saga = uploadSaga({
        store,
        limits,
        onUploaded: (bytes) => {
          uploadedBytes += bytes
        },
        shows: async (workspace, task, input) => {
          const entry = (await documents.filesOf(workspace, input.block))?.find(({ name }) => name === input.name)
          return entry?.task === task && entry.run.id === task
        },
        reasonOf: async (workspace, task) => {
          const { error, isCanceling, steps } = await tasks.find(workspace, task)
          const failed = steps.find((step) => step.error !== undefined)?.error
          return (
            error?.message ?? failed?.message ?? (isCanceling ? 'the upload was canceled' : 'the upload was taken back')
          )
        },
      })
      worker = startWorker({
        url: url(),
        token: workerToken,
        sagas: [saga],
        name: `files-${process.pid}`,
        onEvent: (event) => {
          if (event.type === 'connected') resolve()
          if (event.type === 'disconnected')
            logger.warn({ err: event.error }, 'the worker of files has lost the server')
        },
      })
      worker.ended.catch((err: unknown) => logger.error({ err }, 'the worker of files has ended'))
    })
    return served
  }
  // A server that has a bucket now may have had its files on the disk before.
  const stores = disk === undefined ? [store, new DiskStore({ directory, ticketMs: limits.ticketMs })] : [disk]
  const unlisten = server.workspaces.removeBeside(async (workspace) => {
    for (const each of stores) await each.removeScope(scopeOf(workspace))
  })
  const door = disk && createBlobDoor(disk, (err) => logger.error({ err }, 'a file could not be read or written'))
  return {
    files: new Files({ store, tasks, documents, limits, whenServed }),
    get uploadedBytes() {
      return uploadedBytes
    },
    door: door ?? (() => false),
    resume() {
      if (tasks.extent.open > 0) void whenServed()
    },
    async close() {
      unlisten()
      await worker?.stop()
      if (isInMemory) await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The files that blocks show, as their statuses have them. */
function fileDocuments({ workspaces }: Server): FileDocuments {
  return {
    filesOf: (workspace, id) =>
      workspaces.read(workspace as WorkspaceId, ({ doc }) => {
        const block = getBlock(doc, id)
        if (block === undefined) return undefined
        return block
          .statuses(FILE)
          .entries()
          .map(({ name, status, run, task, detail }): FileEntry => {
            const { sha256, bytes, type } = detail ?? {}
            return {
              name,
              status,
              task,
              run,
              sha256: typeof sha256 === 'string' ? sha256 : undefined,
              bytes: typeof bytes === 'number' ? bytes : undefined,
              type: typeof type === 'string' ? type : undefined,
            }
          })
      }),
  }
}
