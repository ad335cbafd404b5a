import { type EventStore, LogError, type LogRecord, type Lsn, type WorkspaceLog } from '@joinery/log'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { Turns } from '../turns.ts'
import type { AnnouncedIds } from './announced-ids.ts'
import type { ClientIdMemory } from './client-id-memory.ts'
import type { ColdCache } from './cold-cache.ts'
import { ColdDocument } from './cold-document.ts'
import type { DocumentMemory } from './document-memory.ts'
import type { DocumentRules } from './document-rules.ts'
import { memoryOfDocument } from './live-memory.ts'
import type { LoadTurns } from './load-turns.ts'
import { RoomDocument } from './room-document.ts'
import { findStart, type Start, type StoredState } from './stored-state.ts'
import type { LoadTrials } from './trials/load-trials.ts'

/** The content that a room serves: bytes as long as nobody writes, a Y.Doc from the first write on. */
export type Content = ColdDocument | RoomDocument

/** A workspace as its room serves it. When the content or the log changes, another object takes its place. */
export interface Loaded {
  readonly log: WorkspaceLog
  readonly content: Content
  /** The damage of the stored workspace, if there is any: `content` is then its last good state, for reading only. */
  readonly damage: LogError | undefined
}

export interface LoaderContext {
  readonly store: EventStore
  readonly rules: DocumentRules
  readonly logger: Logger
  readonly cache: ColdCache
  readonly counters: Counters
  readonly clientIds: ClientIdMemory
  readonly announced: AnnouncedIds
  /** Limits how many workspaces are read at once: a thousand rooms that open together must not all be in memory. */
  readonly loads: Turns
  readonly loadTrials: LoadTrials
  /** The turns that long loads take. */
  readonly loadTurns: LoadTurns
  readonly memory: DocumentMemory
}

/**
 * Limits of the records since the snapshot for serving bytes: a join merges the records, and beyond this a replay is
 * cheaper.
 */
const COLD_RECORDS_MAX = 2_000
const COLD_BYTES_MAX = 8 * 1024 * 1024

/** Memory that a stored state may take to be loaded in one turn, bytes: some 20 ms, unless its items crowd at one place. */
const AT_ONCE_BYTES_MAX = 64 * 1024

/**
 * Opens a workspace, unless `opened` is its open log, and reads its content. Rejects with `corrupted` when not even the
 * last good state can be read, with `deleted`, and with the storage error. No log stays open after a rejection.
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
    const content = await loadContent(log, context)
    // A rebuild costs nobody: its cause is the fault of one, and others would pay.
    if (opened !== undefined && content instanceof RoomDocument) content.takeBuiltMs()
    return { log, content, damage: undefined }
  } catch (error) {
    await log?.close()
    if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
    return await loadDamaged(workspace, context)
  } finally {
    context.counters.loads++
    context.counters.loadMs += performance.now() - startMs
  }
}

/** Reads the last good state of a damaged workspace. Never gives an empty document in its place. */
async function loadDamaged(workspace: string, context: LoaderContext): Promise<Loaded> {
  // In turns, since `openDamaged` reads the whole log.
  const log = await context.loads.take(() => context.store.openDamaged(workspace))
  const { damage } = log
  try {
    // Without the generation the server can't tell a client's local copy from a copy of another history.
    if (log.head === 0 || log.generation === undefined) throw damage
    return { log, content: await loadContent(log, context), damage }
  } catch (error) {
    await log.close()
    throw error
  }
}

/**
 * Reads the content of an open log: as bytes, unless so many records follow the snapshot that a document is cheaper.
 */
async function loadContent(log: WorkspaceLog, context: LoaderContext): Promise<Content> {
  const { records, bytes } = log.sinceSnapshot
  if (log.head === 0) return ColdDocument.load(log, context.cache)
  return context.loads.take<Content>((turn) => {
    // Others load meanwhile.
    const admit = (start: Start | undefined, tail?: readonly LogRecord[]) =>
      turn.giveUp(context.loadTrials.admit(log, start, tail))
    if (records <= COLD_RECORDS_MAX && bytes <= COLD_BYTES_MAX) return ColdDocument.load(log, context.cache, admit)
    return replay(log, context, admit)
  })
}

/** Builds the document of a room that served bytes until now. */
export async function warmUp(log: WorkspaceLog, cold: ColdDocument, context: LoaderContext): Promise<RoomDocument> {
  return context.loads.take(async () => {
    const stored = await cold.read()
    const build = () => buildFrom(stored, log, context)
    return context.memory.build(stored.bytes / 2, build, (document) => memoryOfDocument(document, log))
  })
}

async function buildFrom(stored: StoredState, log: WorkspaceLog, context: LoaderContext): Promise<RoomDocument> {
  context.counters.warmings++
  const document = makeDocument(log, context)
  try {
    const { start, tail } = stored
    if (stored.bytes <= AT_ONCE_BYTES_MAX) document.restore(stored)
    else await document.replay(start, tail, context.loadTurns)
    return document
  } catch (error) {
    document.destroy()
    return await replayFromFirst(log, stored, error, context)
  }
}

function makeDocument({ generation, workspace }: WorkspaceLog, context: LoaderContext): RoomDocument {
  const { rules, clientIds, announced } = context
  const own = clientIds.take(generation) ?? new Map<string, number>()
  // The client ids of the server's own edits are held for the actors of these edits.
  const holdersOf = (client: number): readonly string[] => {
    const held = announced.holdersOf(workspace, client)
    const owner = [...own].find(([, id]) => id === client)
    return owner === undefined ? held : [owner[0]]
  }
  return new RoomDocument(rules, own, holdersOf)
}

async function replay(
  log: WorkspaceLog,
  context: LoaderContext,
  admit: (start: Start | undefined) => Promise<void>,
): Promise<RoomDocument> {
  const start = await findStart(log)
  await admit(start)
  const build = async () => {
    const document = makeDocument(log, context)
    await document.replay(start, log.read({ after: start?.lsn ?? (0 as Lsn) }), context.loadTurns)
    return document
  }
  const bytes = (start?.state.length ?? 0) + log.sinceSnapshot.bytes
  return context.memory.build(bytes, build, (document) => memoryOfDocument(document, log))
}

/**
 * Builds the document from all records when the rules or Yjs can't read the snapshot. Rejects with `err` if records are
 * missing.
 */
async function replayFromFirst(
  log: WorkspaceLog,
  { start }: StoredState,
  err: unknown,
  context: LoaderContext,
): Promise<RoomDocument> {
  if (start === undefined || log.firstLsn !== 1) throw err
  context.logger.warn(
    { workspace: log.workspace, lsn: start.lsn, err },
    'a snapshot could not be read: reading all records instead',
  )
  const document = makeDocument(log, context)
  await document.replay(undefined, log.read(), context.loadTurns)
  return document
}
