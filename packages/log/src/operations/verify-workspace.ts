import type { Lsn } from '../lsn.ts'
import { decodeExtent, type Extent, PLAIN_EXTENT } from '../records/extent.ts'
import { extentKey, KIND, lsnOfRecordKey, ownRange, recordKeyRange } from '../records/key.ts'
import type { WorkspaceIdentity } from '../records/workspace-identity.ts'
import type { StoredLog } from '../store/stored-records.ts'
import { isDamage, type Problem, Problems, reasonOf } from './problem.ts'
import { RecordCheck } from './record-check.ts'
import type { TrialLoad } from './trial-load.ts'
import { ChainCheck } from './verify-chain.ts'
import { KeyCheck } from './verify-keys.ts'
import { verifySnapshots } from './verify-snapshots.ts'

/** One workspace as a verification found it. */
export interface WorkspaceReport {
  readonly workspace: string
  readonly generation: string
  /** Set if the workspace is deleted: since when, ms since epoch. */
  readonly deletedAt?: number
  /** First LSN that can still be read. */
  readonly firstLsn: Lsn
  /** LSN of the last record. */
  readonly head: Lsn
  readonly records: number
  readonly snapshots: number
  /** The first hundred problems. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

/** The means to check one workspace. */
export interface WorkspaceLook extends StoredLog {
  readonly identity: WorkspaceIdentity
  /** LSN that the workspace is known to have reached. */
  readonly witnessed: Lsn
  /** Begins to load the workspace; undefined if that is not wanted. */
  readonly load: (() => TrialLoad) | undefined
  /** Called with each record. */
  readonly onRecord: () => void
  readonly signal: AbortSignal | undefined
}

/**
 * Reads everything that is kept of one workspace. Rejects only if it is aborted, or if reading fails otherwise than by
 * damage.
 */
export async function verifyWorkspace(look: WorkspaceLook): Promise<WorkspaceReport> {
  return (await inspectWorkspace(look)).report
}

/** {@link verifyWorkspace}, with the snapshots that can't be loaded and the reasons. */
export async function inspectWorkspace(
  look: WorkspaceLook,
): Promise<{ report: WorkspaceReport; unloadable: ReadonlyMap<Lsn, string> }> {
  const { moment, workspace, number, identity, witnessed, signal } = look
  const problems = new Problems()
  const extent = await readExtent(look, problems)
  let isExtentDamaged = problems.count > 0
  const snapshots = await verifySnapshots(look, extent, problems)
  const records = new RecordCheck(look, extent.firstLsn, snapshots.ground, problems)
  await records.begin()
  const chain = await ChainCheck.open(look, identity.generation, extent.firstLsn, problems)
  const keys = new KeyCheck(look, extent.firstLsn, problems)
  const note = async (key: string | undefined): Promise<void> => {
    signal?.throwIfAborted()
    look.onRecord()
    if (key !== undefined) await keys.expect(key, records.head)
  }
  for await (const [key, value] of moment.entries(ownRange(KIND.segment, number))) {
    for (const record of records.unpack(key, value)) {
      chain.take(record)
      await note(await records.take(record))
    }
    if (!isExtentDamaged && records.head > extent.sealedLsn) {
      isExtentDamaged = true
      problems.add(unreached(look, lsnOfRecordKey(key)))
    }
  }
  for await (const [key, value] of moment.entries(recordKeyRange(number, records.head + 1))) {
    const record = records.decode(key, value)
    if (record === undefined) chain.stop()
    else chain.take(record)
    await note(record && (await records.take(record)))
  }
  await records.finish()
  await keys.finish()
  const reached = Math.max(witnessed, extent.snapshotLsn, extent.sealedLsn, chain.reached) as Lsn
  if (reached > records.head) {
    const message = `workspace ${workspace} ends at record ${records.head} and had reached ${reached}: its end is lost`
    problems.add({ code: 'end_lost', message, lsn: records.head })
  }
  const report = {
    workspace,
    generation: identity.generation,
    ...(identity.deleted && { deletedAt: identity.deleted.at }),
    firstLsn: extent.firstLsn,
    head: records.head,
    records: records.count,
    snapshots: snapshots.count,
    problems: problems.listed,
    problemCount: problems.count,
  }
  return { report, unloadable: snapshots.unloadable }
}

/** Readers look for these records one by one, where they no longer are. */
function unreached({ workspace }: WorkspaceLook, lsn: Lsn): Problem {
  const message = `the extent of workspace ${workspace} does not reach the segment that begins with record ${lsn}`
  return { code: 'extent_damaged', message, lsn }
}

async function readExtent({ moment, workspace, number }: WorkspaceLook, problems: Problems): Promise<Extent> {
  try {
    return decodeExtent(workspace, number, await moment.get(extentKey(number)))
  } catch (error) {
    if (!isDamage(error)) throw error
    problems.add({ code: 'extent_damaged', message: reasonOf(error) })
    return PLAIN_EXTENT
  }
}
