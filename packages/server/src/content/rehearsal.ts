import type { EventStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import { SERVER_LIMITS } from '../limits.ts'
import { EMPTY_STATE_VECTOR } from './empty-update.ts'
import { LoadTurns } from './load-turns.ts'
import type { Ownership } from './ownership.ts'
import { readStored } from './stored-state.ts'

/**
 * Bytes of records since the snapshot beyond which a workspace is not read for practice: the read would delay the
 * start.
 */
const BYTES_MAX = 1024 * 1024

/** Workspaces that are read, at most, until one has a snapshot. Most workspaces that take long to load have one. */
const WORKSPACES_MAX = 16

/**
 * Reads a stored workspace for practice: as a room does for its first member, but keeps nothing. Code that runs for the
 * first time is slow, and after a restart everybody connects at once. Without practice the first client waits twice as
 * long for its workspace (10 ms of CPU instead of 5, measured). To be called before the server listens, since a log can
 * be open only once. An error in a workspace is only logged here: the clients of that workspace hear of it when they
 * connect.
 */
export async function rehearse(store: EventStore, ownership: Ownership, logger: Logger): Promise<void> {
  try {
    let read = 0
    for await (const workspace of store.workspaces()) {
      if ((await readOwned(store, ownership, workspace as WorkspaceId)) || ++read === WORKSPACES_MAX) return
    }
  } catch (err) {
    logger.info({ err }, 'reading a workspace for practice failed: the server starts all the same')
  }
}

/** Reads a workspace if this process owns it. Returns whether it has a snapshot. */
async function readOwned(store: EventStore, ownership: Ownership, workspace: WorkspaceId): Promise<boolean> {
  const claim = await ownership.claim(workspace)
  if ('at' in claim) return false
  try {
    return await readOnce(store, workspace)
  } finally {
    await claim.held.release()
  }
}

/** Reads a workspace, unless that would take long. Returns whether it has a snapshot. */
async function readOnce(store: EventStore, workspace: string): Promise<boolean> {
  const log = await store.open(workspace)
  try {
    if (log.sinceSnapshot.bytes > BYTES_MAX) return false
    const turns = new LoadTurns(SERVER_LIMITS)
    const stored = await readStored(log, turns)
    await turns.run(stored.answer(EMPTY_STATE_VECTOR, turns.pace))
    return log.snapshotLsn > 0
  } finally {
    await log.close()
  }
}
