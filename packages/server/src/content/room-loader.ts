import { type EventStore, LogError, type Lsn, type WorkspaceLog } from '@joinery/log'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { Turns } from '../turns.ts'
import type { ClientIdMemory } from './client-id-memory.ts'
import type { ColdCache } from './cold-cache.ts'
import { ColdDocument } from './cold-document.ts'
import type { DocumentRules } from './document-rules.ts'
import { RoomDocument } from './room-document.ts'
import { findStart, type StoredState } from './stored-state.ts'

/** A room serves bytes as long as nobody writes, and a Y.Doc from the first write on. */
export type Content = ColdDocument | RoomDocument

/** A workspace as it is served until something changes: then another object stands in its place. */
export interface Loaded {
  readonly log: WorkspaceLog
  readonly content: Content
  /** The workspace is damaged: this is the last good state, for reading only. */
  readonly damage: LogError | undefined
}

export interface LoaderContext {
  readonly store: EventStore
  readonly rules: DocumentRules
  readonly logger: Logger
  readonly cache: ColdCache
  readonly counters: Counters
  readonly clientIds: ClientIdMemory
  /** Reads and builds are made in turns, so that a thousand rooms that open at once do not all lie in memory. */
  readonly loads: Turns
}

/** Records since the snapshot up to which a room is served from bytes: a join merges them, which costs more than a replay beyond. */
const COLD_RECORDS_MAX = 2_000
const COLD_BYTES_MAX = 8 * 1024 * 1024

/**
 * Opens a workspace, unless `opened` has it open already, and reads what is in it. Rejects with `corrupted` when not even
 * its last good state can be told, with the storage error, and with `deleted`; no log stays open then.
 */
export async function loadRoom(
  workspace: string,
  opened: WorkspaceLog | undefined,
  context: LoaderContext,
): Promise<Loaded> {
  const startMs = performance.now()
  let log = opened
  try {
    log ??= await context.store.open(workspace)
    return { log, content: await loadContent(log, context), damage: undefined }
  } catch (error) {
    await log?.close()
    if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
    return await loadDamaged(workspace, context)
  } finally {
    context.counters.loads++
    context.counters.loadMs += performance.now() - startMs
  }
}

/** What is left of a damaged workspace, to be read. Never an empty document in its place. */
async function loadDamaged(workspace: string, context: LoaderContext): Promise<Loaded> {
  // Reads it from end to end.
  const log = await context.loads.take(() => context.store.openDamaged(workspace))
  const { damage } = log
  try {
    // Without its generation nobody's local copy could be told from another history's.
    if (log.head === 0 || log.generation === undefined) throw damage
    return { log, content: await loadContent(log, context), damage }
  } catch (error) {
    await log.close()
    throw error
  }
}

/** What an open log holds: as bytes, unless so much came after its snapshot that a document is cheaper. */
async function loadContent(log: WorkspaceLog, context: LoaderContext): Promise<Content> {
  const { records, bytes } = log.sinceSnapshot
  if (log.head === 0) return ColdDocument.load(log, context.cache)
  return context.loads.take<Content>(() => {
    if (records <= COLD_RECORDS_MAX && bytes <= COLD_BYTES_MAX) return ColdDocument.load(log, context.cache)
    return replay(log, context)
  })
}

/** The document of a room that was served from bytes. */
export async function warmUp(log: WorkspaceLog, cold: ColdDocument, context: LoaderContext): Promise<RoomDocument> {
  return context.loads.take(async () => {
    const stored = await cold.read()
    context.counters.warmings++
    const document = new RoomDocument(context.rules, context.clientIds.take(log.generation))
    try {
      document.restore(stored)
      return document
    } catch (error) {
      document.destroy()
      return await replayFromFirst(log, stored, error, context)
    }
  })
}

async function replay(log: WorkspaceLog, context: LoaderContext): Promise<RoomDocument> {
  const start = await findStart(log)
  const document = new RoomDocument(context.rules, context.clientIds.take(log.generation))
  await document.replay(start, log.read({ after: start?.lsn ?? (0 as Lsn) }))
  return document
}

/** A snapshot that its own rules or Yjs can't read is no reason to be gone, as long as the records are all there. */
async function replayFromFirst(
  log: WorkspaceLog,
  { start }: StoredState,
  err: unknown,
  context: LoaderContext,
): Promise<RoomDocument> {
  if (start === undefined || log.firstLsn !== 1) throw err
  context.logger.warn({ workspace: log.workspace, lsn: start.lsn, err }, 'a snapshot is of no use: reading all records')
  const document = new RoomDocument(context.rules)
  await document.replay(undefined, log.read())
  return document
}
