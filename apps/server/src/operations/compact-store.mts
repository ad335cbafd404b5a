import { type EventStore, isSystemLog, type KeepHistory, LogError, type Lsn } from '@joinery/log'
import { loadState } from '@joinery/log/operations'
import type { LogUpkeep } from '@joinery/server'
import type { LoadLimits } from './load-limits.mts'
import { withLoadThread } from './load-threads.mts'
import type { Compaction, Watched } from './operator.mts'

/** Runs `work` on a workspace's log, whether or not a room has it open. */
export type WithLog = <T>(workspace: string, work: (log: LogUpkeep) => Promise<T>) => Promise<T>

/** Compacts one workspace after the other. A failure goes into that workspace's {@link Compaction}, and the next one follows. */
export async function compactStore(
  store: EventStore,
  withLog: WithLog,
  { keepHistory, workspace, limits }: { keepHistory: KeepHistory; workspace: string | undefined; limits: LoadLimits },
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
    compactions.push(await compactOne(withLog, name, keepHistory, limits))
  }
  return compactions
}

async function compactOne(
  withLog: WithLog,
  workspace: string,
  keepHistory: KeepHistory,
  limits: LoadLimits,
): Promise<Compaction> {
  try {
    return await withLog(workspace, async (log) => {
      const { dropped, firstLsn } = await withLoadThread({ limits }, (begin) =>
        log.compact({ keepHistory, verify: (state) => loadState(begin(), state, 0 as Lsn) }),
      )
      const { records, bytesBefore, bytesAfter } = await log.seal()
      return { workspace, dropped, firstLsn, sealed: records, bytesBefore, bytesAfter }
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { workspace, dropped: 0, firstLsn: 0, sealed: 0, bytesBefore: 0, bytesAfter: 0, error: message }
  }
}
