import type { KeyRange } from '../disk/database.ts'
import type { DamagedLog, LogRecord, Receipt } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import { decodeExtent, type Extent, PLAIN_EXTENT } from '../records/extent.ts'
import { extentKey, lsnOfRecordKey, recordKeyRange, segmentKeyRange, workspaceKey } from '../records/key.ts'
import { assertAlive, decodeWorkspaceIdentity, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import { findRung, missingGround, type Rung } from './ladder.ts'
import { LevelLog, type LevelLogHost, type LevelLogStart } from './level-log.ts'
import { readStoredRuns, type StoredLog } from './stored-records.ts'
import { checkHead, checkUnknown, type Witness } from './witness.ts'

/** A log of a damaged workspace, as far as it is intact. Every write throws the damage. */
export class ReadOnlyLog extends LevelLog implements DamagedLog {
  readonly damage: LogError
  readonly #usable: Extent

  constructor(workspace: string, start: LevelLogStart, host: LevelLogHost, damage: LogError) {
    super(workspace, start, host)
    this.damage = damage
    this.#usable = start.extent
  }

  protected override readRuns(stored: StoredLog, first: number, last: number): AsyncGenerator<LogRecord[]> {
    return readPatiently({ ...stored, extent: this.#usable }, first, last)
  }

  override append(): Receipt {
    throw this.damage
  }

  override async snapshot(): Promise<void> {
    throw this.damage
  }

  override async chainAt(): Promise<never> {
    throw this.damage
  }

  override async seal(): Promise<never> {
    throw this.damage
  }

  override async compact(): Promise<never> {
    throw this.damage
  }
}

/** How far a workspace is intact. */
export interface Intact {
  /** The extent of the workspace, or what the keys say where that is damaged. */
  readonly extent: Extent
  /** The newest undamaged snapshot. */
  readonly rung: Rung | undefined
  /** The last record after that snapshot before which nothing is damaged. */
  readonly head: Lsn
  readonly headAt: number
  /** LSN of the last record that is there, damaged or not; {@link LSN_MAX} where LevelDB can't tell. */
  readonly end: Lsn
  /** Damage found on the way. Of damaged records, the first behind `head`. */
  readonly damages: readonly LogError[]
}

/**
 * Reads a workspace from its newest undamaged snapshot on. Throws `corrupted` if records before those it has were
 * dropped and no snapshot stands for them.
 */
export async function findIntact(log: StoredLog, { createdAt }: WorkspaceIdentity): Promise<Intact> {
  const damages: LogError[] = []
  const found = (error: LogError): void => void damages.push(error)
  const extent = await readExtent(log, found)
  const rung = await findRung(log, extent.snapshotLsn, found)
  if ((rung?.lsn ?? 0) < extent.firstLsn - 1) throw damages[0] ?? missingGround(log.workspace)
  const end = Math.max(await endOf(log), extent.sealedLsn) as Lsn
  const from = Math.max(rung?.lsn ?? 0, extent.firstLsn - 1)
  const { intact, at, damage } = await walk({ ...log, extent }, from, end)
  if (damage !== undefined) found(damage)
  return { extent, rung, head: intact, headAt: Math.max(at, rung?.at ?? createdAt), end, damages }
}

/** Reads a whole workspace to find out how far it is intact. Throws `corrupted` if that can't be told. */
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
    const { extent, rung, head, headAt, end, damages: found } = await findIntact(log, identity)
    const damages = [...found]
    try {
      checkHead(witness, workspace, identity.number, Math.max(head, end) as Lsn, extent)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      damages.push(error)
    }
    // Older history may be damaged; the head does not depend on it.
    if (damages.every(({ lsn }) => lsn === undefined)) {
      const from = Math.max(rung?.lsn ?? 0, extent.firstLsn - 1)
      const { damage } = await walk({ ...log, extent }, extent.firstLsn - 1, from)
      if (damage !== undefined) damages.push(damage)
    }
    const damage = damages.find(({ lsn }) => lsn !== undefined) ?? damages[0]
    if (damage === undefined) throw new LogError('invalid', `nothing of workspace ${workspace} is damaged: open it`)
    const usable = { ...extent, snapshotLsn: Math.min(extent.snapshotLsn, head) as Lsn }
    return { start: { identity, extent: usable, head, headAt, bytes: 0 }, damage }
  } finally {
    await moment.close()
  }
}

/** The stored extent, or what the keys say if it is damaged. */
async function readExtent(log: StoredLog, found: (error: LogError) => void): Promise<Extent> {
  const { workspace, number, moment } = log
  try {
    return decodeExtent(workspace, number, await moment.get(extentKey(number)))
  } catch (error) {
    if (!isCorrupted(error)) throw error
    found(error)
    const record = await firstLsnOf(log, recordKeyRange(number))
    const segment = await firstLsnOf(log, segmentKeyRange(number))
    // The head is never sealed: records before the first unsealed one are in segments.
    const sealedLsn = segment === undefined || record === undefined ? PLAIN_EXTENT.sealedLsn : ((record - 1) as Lsn)
    return { firstLsn: segment ?? record ?? PLAIN_EXTENT.firstLsn, sealedLsn, snapshotLsn: LSN_MAX as Lsn }
  }
}

/**
 * LSN of the first entry of the range; undefined for none, and where LevelDB can't tell. Reading the records finds that
 * damage.
 */
async function firstLsnOf({ moment }: StoredLog, range: KeyRange): Promise<Lsn | undefined> {
  try {
    for await (const [key] of moment.entries(range)) return lsnOfRecordKey(key)
  } catch (error) {
    if (!isCorrupted(error)) throw error
  }
  return undefined
}

/** LSN of the last record; {@link LSN_MAX} where LevelDB can't tell. */
async function endOf({ number, moment }: StoredLog): Promise<Lsn> {
  try {
    const last = await moment.last(recordKeyRange(number))
    return last === undefined ? (0 as Lsn) : lsnOfRecordKey(last[0])
  } catch (error) {
    if (!isCorrupted(error)) throw error
    return LSN_MAX as Lsn
  }
}

/** The last record after `after` before which nothing is damaged, its time, and the damage behind it. */
export async function walk(
  log: StoredLog,
  after: number,
  through: number,
): Promise<{ intact: Lsn; at: number; damage?: LogError }> {
  let intact = after as Lsn
  let at = 0
  try {
    for await (const run of readPatiently(log, after + 1, through)) {
      for (const record of run) {
        intact = record.lsn
        at = record.at
      }
    }
  } catch (error) {
    if (!isCorrupted(error)) throw error
    return { intact, at, damage: error.lsn === undefined ? unreadableRecord(log, intact + 1, error) : error }
  }
  return { intact, at }
}

/**
 * Reads like `readStoredRuns`, also where LevelDB can't read a block of a table. LevelDB then hands over nothing of
 * that step, so each record is looked up by itself.
 */
export async function* readPatiently(log: StoredLog, first: number, last: number): AsyncGenerator<LogRecord[]> {
  let next = first
  try {
    for await (const run of readStoredRuns(log, first, last)) {
      yield run
      next += run.length
    }
    return
  } catch (error) {
    if (!isCorrupted(error) || error.lsn !== undefined) throw error
  }
  for (; next <= last; next++) yield* readStoredRuns(log, next, next)
}

function isCorrupted(error: unknown): error is LogError {
  return error instanceof LogError && error.code === 'corrupted'
}

function unreadableRecord({ workspace }: StoredLog, lsn: number, cause: LogError): LogError {
  const message = `record ${lsn} of workspace ${workspace} can't be read: ${cause.message}`
  return new LogError('corrupted', message, { cause, workspace, lsn: lsn as Lsn })
}
