import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileDocuments } from '@joinery/api'
import type { EventStore } from '@joinery/log'
import {
  type BytePayer,
  createBlobDoor,
  DiskStore,
  FILE_LIMITS,
  FILES_LOG,
  type FileLimits,
  FileQuotas,
  type FileStore,
  Files,
  hasFileQuota,
  type SecondCopiesCounts,
  scopeOf,
  uploadSaga,
} from '@joinery/resources'
import { programPayer, type Server } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import { type RunningWorker, startWorker } from '@joinery/worker'
import type { Logger } from 'pino'
import type { SharedFiles } from '../cluster/shared-files.mts'
import type { ServeConfig } from '../serve-config.mts'
import { filesFolderOf } from './files-folder.mts'

/** Words for people about an upload that has met `abandonMs`. */
const ABANDONED = 'the upload was not completed in time, and what had arrived is removed: upload the file again'

export interface ServedFilesOptions {
  readonly config: Pick<ServeConfig, 'dataDirectory' | 'durability'>
  readonly server: Server
  readonly tasks: TaskEngine
  /** The store of the log: a quota of files has a journal in it. */
  readonly log: Pick<EventStore, 'atomically'>
  /** Token of the server's own worker; undefined without keys. */
  readonly workerToken: string | undefined
  /** Address of the server for a process of this machine. */
  readonly url: () => string
  readonly logger: Logger
  readonly limits?: Partial<FileLimits>
  /** A folder beside the log by default. */
  readonly store?: FileStore
  /** Has the folders of several servers share their files. */
  readonly shared?: SharedFiles
}

export interface ServedFiles {
  readonly files: Files
  /** Bytes of files that have been uploaded since the start. */
  readonly uploadedBytes: number
  /** Numbers of the copies that other nodes keep; undefined where nobody does. */
  readonly copies: SecondCopiesCounts | undefined
  /** Answers the URLs of a store on the disk. False for any other path. */
  readonly door: ReturnType<typeof createBlobDoor>
  /** Goes on with uploads that were open when the last server ended. Call it once the server takes connections. */
  resume(): void
  close(): Promise<void>
}

/**
 * Opens the files of a server. Their work is a saga, which a worker within this process runs: it has the server's own code alone, and
 * begins with the first upload. Rejects with the log's error.
 */
export async function openServedFiles(options: ServedFilesOptions): Promise<ServedFiles> {
  const { config, server, tasks, workerToken, url, logger } = options
  const limits = { ...FILE_LIMITS, ...options.limits }
  const isInMemory = config.durability === 'memory'
  const directory = isInMemory ? join(tmpdir(), `joinery-files-${randomUUID()}`) : filesFolderOf(config.dataDirectory)
  const disk =
    options.store === undefined
      ? new DiskStore({ directory, ticketMs: limits.ticketMs, payer: bytePayer(server), ...options.shared })
      : undefined
  const keepers = disk && options.shared?.keepCopies(disk, directory)
  const store = options.store ?? disk
  if (store === undefined) throw new Error('there is no store')
  const documents = fileDocuments(server)
  const quotas = hasFileQuota(limits) ? await openQuotas(limits, options) : undefined
  let uploadedBytes = 0
  let worker: RunningWorker | undefined
  let served: Promise<void> | undefined
  const whenServed = (): Promise<void> => {
    served ??= new Promise((resolve) => {
      const saga = uploadSaga({
        store,
        limits,
        quotas,
        onUploaded: (file) => {
          uploadedBytes += file.bytes
          keepers?.copies.note(file)
        },
        shows: async (workspace, task, input) => {
          const entry = (await documents.filesOf(workspace, input.block))?.find(({ name }) => name === input.name)
          return entry?.task === task && entry.run.id === task
        },
        reasonOf: async (workspace, task) => {
          const { error, isCanceling, steps, deadlineAt = Number.POSITIVE_INFINITY } = await tasks.find(workspace, task)
          const failed = steps.find((step) => step.error !== undefined)?.error
          if (failed === undefined && !isCanceling && deadlineAt <= Date.now()) return ABANDONED
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
    await quotas?.purge(workspace)
  })
  const door = disk && createBlobDoor(disk, (err) => logger.error({ err }, 'a file could not be read or written'))
  const files = new Files({
    ...{ store, tasks, documents, limits, quotas, whenServed },
    onArrivalsError: (err, about) => logger.warn({ err, ...about }, 'the progress of an upload is shown no more'),
  })
  return {
    files,
    get uploadedBytes() {
      return uploadedBytes
    },
    get copies() {
      return keepers?.copies.counts
    },
    door: door ?? (() => false),
    resume() {
      if (tasks.extent.open > 0) void whenServed()
    },
    async close() {
      unlisten()
      files.close()
      await worker?.stop()
      await keepers?.close()
      await quotas?.close()
      if (isInMemory) await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The quotas of files, and the use that their journal has. */
async function openQuotas(
  limits: FileLimits,
  { server, tasks, log, logger }: Pick<ServedFilesOptions, 'server' | 'tasks' | 'log' | 'logger'>,
): Promise<FileQuotas> {
  const { workspaces } = server
  let quotas: FileQuotas | undefined
  const journal = await workspaces.openSystemLog(FILES_LOG, async () => quotas?.close())
  quotas = await FileQuotas.open({
    log: journal,
    atomically: (work) => log.atomically(work),
    onUntidy: (err) => logger.warn({ err }, 'the journal of files took no snapshot'),
    ...{ limits, tasks },
  })
  await quotas.keepOnly(workspaces.names())
  return quotas
}

/** Has the files of each workspace pay for their bytes: a scope stands for one. */
function bytePayer({ costs }: Pick<Server, 'costs'>): BytePayer {
  const payerOf = (scope: string) => ({ principal: programPayer('files', scope), workspace: undefined })
  return {
    // A file passes in many short turns.
    book: (scope, ms) => void costs.book(payerOf(scope), performance.now() - ms, false),
    restOf: (scope) => costs.restOf(payerOf(scope)),
  }
}
