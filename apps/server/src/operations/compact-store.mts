import { type EventStore, isSystemLog, type KeepHistory, LogError, type Lsn } from '@joinery/log'
import type { LogUpkeep } from '@joinery/server'
import type { Compaction, Watched } from './operator.mts'
import { trialLoad } from './trial-load.mts'

/** Runs `work` on a workspace's log, whether or not a room has it open. */
export type WithLog = <T>(workspace: string, work: (log: LogUpkeep) => Promise<T>) => Promise<T>

/** Compacts one workspace after the other. A failure goes into that workspace's {@link Compaction}, and the next one follows. */
export async function compactStore(
  store: EventStore,
  withLog: WithLog,
  { keepHistory, workspace }: { keepHistory: KeepHistory; workspace: string | undefined },
  { onProgress, signal }: Watched,
): Promise<Compaction[]> {
  if (workspace !== undefined && isSystemLog(workspace)) {
    throw new LogError('invalid', `${workspace} is a system log: the part of the server that keeps it compacts it`)
  }
  const names = (await Array.fromAsync(store.workspaces())).filter((name) => name === (workspace ?? name))
  if (workspace !== undefined && names.length === 0) throw new LogError('invalid', `there is no workspace ${workspace}`)
  const compactions: Compaction[] = []
  for (const [index, name] of names.entries()) {
    signal?.throwIfAborted()
    onProgress?.(index, names.length)
    compactions.push(await compactOne(withLog, name, keepHistory))
  }
  return compactions
}

async function compactOne(withLog: WithLog, workspace: string, keepHistory: KeepHistory): Promise<Compaction> {
  try {
    return await withLog(workspace, async (log) => {
      const { dropped, firstLsn } = await log.compact({ keepHistory, verify: verifyState })
      const { records, bytesBefore, bytesAfter } = await log.seal()
      return { workspace, dropped, firstLsn, sealed: records, bytesBefore, bytesAfter }
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { workspace, dropped: 0, firstLsn: 0, sealed: 0, bytesBefore: 0, bytesAfter: 0, error: message }
  }
}

/** Throws unless the bytes can be loaded as a document. */
function verifyState(state: Uint8Array): void {
  const load = trialLoad()
  load.add(state, 0 as Lsn)
  load.finish()
}
