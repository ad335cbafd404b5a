import type { DamagedLog, Receipt } from './event-store.ts'
import { decodeExtent, type Extent, PLAIN_EXTENT } from './extent.ts'
import { extentKey, lsnOfRecordKey, recordKeyRange, workspaceKey } from './key.ts'
import { findRung, missingGround } from './ladder.ts'
import { LevelLog, type LevelLogHost, type LevelLogStart } from './level-log.ts'
import { LogError } from './log-error.ts'
import { LSN_MAX, type Lsn } from './lsn.ts'
import { readStoredRecords, type StoredLog } from './stored-records.ts'
import { checkHead, checkUnknown, type Witness } from './witness.ts'
import { assertAlive, decodeWorkspaceIdentity } from './workspace-identity.ts'

/** A log with damage in it, as far as it is intact: what would write throws what is damaged. */
export class ReadOnlyLog extends LevelLog implements DamagedLog {
  readonly damage: LogError

  constructor(workspace: string, start: LevelLogStart, host: LevelLogHost, damage: LogError) {
    super(workspace, start, host)
    this.damage = damage
  }

  override append(): Receipt {
    throw this.damage
  }

  override async snapshot(): Promise<void> {
    throw this.damage
  }

  override async seal(): Promise<never> {
    throw this.damage
  }

  override async compact(): Promise<never> {
    throw this.damage
  }
}

/** Reads a whole workspace to find out how far it can be used. Throws `corrupted` if that can't be told. */
export async function surveyDamage(
  host: LevelLogHost,
  witness: Witness,
  workspace: string,
): Promise<{ start: LevelLogStart; damage: LogError }> {
  const moment = host.disk.pin()
  try {
    const value = await moment.get(workspaceKey(workspace))
    if (value === undefined) {
      checkUnknown(witness, workspace)
      throw new LogError('invalid', `workspace ${workspace} does not exist`, { workspace })
    }
    const identity = decodeWorkspaceIdentity(workspace, value)
    assertAlive(workspace, identity)
    const log = { workspace, number: identity.number, moment }
    const damages: LogError[] = []
    const found = (error: LogError): void => void damages.push(error)
    const extent = await readExtent(log, found)
    const rung = await findRung(log, extent.snapshotLsn, found)
    if ((rung?.lsn ?? 0) < extent.firstLsn - 1) throw damages[0] ?? missingGround(workspace)
    const end = await endOf(log)
    const from = Math.max(rung?.lsn ?? 0, extent.firstLsn - 1)
    const { intact, at } = await walk(log, from, end, found)
    try {
      checkHead(witness, workspace, identity.number, Math.max(intact, end) as Lsn, extent)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      found(error)
    }
    // Older history may be what is damaged; the head does not depend on it.
    if (damages.every(({ lsn }) => lsn === undefined)) await walk(log, extent.firstLsn - 1, from, found)
    const damage = damages.find(({ lsn }) => lsn !== undefined) ?? damages[0]
    if (damage === undefined) throw new LogError('invalid', `nothing of workspace ${workspace} is damaged: open it`)
    const headAt = Math.max(at, rung?.at ?? identity.createdAt)
    const usable = { ...extent, snapshotLsn: Math.min(extent.snapshotLsn, intact) as Lsn }
    return { start: { identity, extent: usable, head: intact, headAt, bytes: 0 }, damage }
  } finally {
    await moment.close()
  }
}

/** What the extent says, or what the keys do if it is damaged. */
async function readExtent(log: StoredLog, found: (error: LogError) => void): Promise<Extent> {
  try {
    return decodeExtent(log.workspace, log.number, await log.moment.get(extentKey(log.number)))
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    found(error)
    let firstLsn = PLAIN_EXTENT.firstLsn
    for await (const [key] of log.moment.entries(recordKeyRange(log.number))) {
      firstLsn = lsnOfRecordKey(key)
      break
    }
    return { ...PLAIN_EXTENT, firstLsn, snapshotLsn: LSN_MAX as Lsn }
  }
}

async function endOf({ number, moment }: StoredLog): Promise<Lsn> {
  const last = await moment.last(recordKeyRange(number))
  return last === undefined ? (0 as Lsn) : lsnOfRecordKey(last[0])
}

/** The last record after `after` before which nothing is damaged, and its time. */
async function walk(log: StoredLog, after: number, through: number, found: (error: LogError) => void) {
  let intact = after as Lsn
  let at = 0
  try {
    for await (const record of readStoredRecords(log, after + 1, through)) {
      intact = record.lsn
      at = record.at
    }
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
    found(error)
  }
  return { intact, at }
}
