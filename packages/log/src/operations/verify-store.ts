import type { DatabaseMoment } from '../disk/database.ts'
import type { EventStore } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import {
  KIND,
  kindRange,
  lsnOfRecordKey,
  nameKey,
  nameOfWorkspaceKey,
  numberOfKey,
  recordKeyRange,
  workspaceKey,
} from '../records/key.ts'
import { decodeWorkspaceIdentity, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { readRollCalls } from '../store/roll-call-heads.ts'
import { apart } from '../system-log.ts'
import { isDamage, type Problem, Problems, reasonOf } from './problem.ts'
import { checkStrays } from './strays.ts'
import { type TrialOptions, trialOf } from './trial-load.ts'
import { verifyWorkspace, type WorkspaceReport } from './verify-workspace.ts'

/** Content that can be loaded is tried, too. Only the bytes of all else are checked. */
export interface VerifyOptions extends TrialOptions {
  /** Called now and then with the number of records done and of all. */
  readonly onProgress?: (done: number, total: number) => void
  /** Aborts the verification, which rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Reads damaged tables, too. LevelDB may end the process on them: do this in a process that may end. */
  readonly dares?: boolean
}

/** A store as a verification found it. */
export interface StoreReport {
  readonly storeId: string
  readonly workspaces: readonly WorkspaceReport[]
  readonly systemLogs: readonly WorkspaceReport[]
  /** Problems of the store as a whole. */
  readonly problems: readonly Problem[]
}

/** Records between two calls of `onProgress`. */
const PROGRESS_STEP = 1_000

/**
 * Reads everything that a store keeps, as of now, and reports problems: of records (CRC, sequence, time), identities,
 * names and numbers in both directions, roll calls, and of entries that belong to nothing. Writes nothing. Traffic goes
 * on meanwhile. Rejects if reading fails otherwise than by damage.
 */
export async function verifyStore(store: EventStore, options: VerifyOptions = {}): Promise<StoreReport> {
  const { disk } = levelStoreOf(store)
  const moment = disk.pin()
  try {
    const problems = new Problems()
    const heads = await headsOf(moment, problems)
    const identities = await readIdentities(moment, problems)
    const purged = await checkNames(moment, identities, problems)
    const total = await countRecords(moment, identities)
    let done = 0
    const onRecord = (): void => {
      done++
      if (done % PROGRESS_STEP === 0) options.onProgress?.(done, total)
    }
    const reports: WorkspaceReport[] = []
    for (const [workspace, identity] of identities) {
      // Parts of a workspace that is being purged may be gone, and nobody can have it back.
      if (identity.deleted?.isPurging) continue
      const witnessed = heads.get(identity.number) ?? (0 as Lsn)
      const load = trialOf(options, workspace)
      const stored = { moment, workspace, number: identity.number }
      reports.push(
        await verifyWorkspace({ ...stored, identity, witnessed, load, onRecord, signal: options.signal }).catch(
          (error) => unreadable(workspace, identity, error),
        ),
      )
    }
    const numbers = new Set([...identities.values()].map(({ number }) => number))
    for (const number of purged) heads.delete(number)
    await checkStrays(moment, numbers, heads, problems)
    options.onProgress?.(total, total)
    const [workspaces, systemLogs] = apart(reports)
    return { storeId: disk.storeId, workspaces, systemLogs, problems: problems.listed }
  } finally {
    await moment.close()
  }
}

/** LevelDB may notice that a table is damaged: this workspace can't be read on then, and others can. */
function unreadable(workspace: string, { generation }: WorkspaceIdentity, error: unknown): WorkspaceReport {
  if (!isDamage(error)) throw error
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  const message = `workspace ${workspace} can't be read on: ${reasonOf(reason)}`
  const problems: Problem[] = [{ code: 'store_unreadable', message }]
  const none = { firstLsn: 1 as Lsn, head: 0 as Lsn, records: 0, snapshots: 0 }
  return { workspace, generation, ...none, problems, problemCount: 1 }
}

/** LSN that each workspace is known to have reached, by number. */
async function headsOf(moment: DatabaseMoment, problems: Problems): Promise<Map<number, Lsn>> {
  const damaged = (slot: number): void => {
    problems.add({ code: 'roll_call_damaged', message: `roll call ${slot} is damaged` })
  }
  return (await readRollCalls((range) => moment.entries(range), damaged)).heads
}

async function readIdentities(moment: DatabaseMoment, problems: Problems): Promise<Map<string, WorkspaceIdentity>> {
  const identities = new Map<string, WorkspaceIdentity>()
  for await (const [key, value] of moment.entries(kindRange(KIND.workspace))) {
    const name = nameOfWorkspaceKey(key)
    try {
      identities.set(name, decodeWorkspaceIdentity(name, value))
    } catch (error) {
      if (!isDamage(error)) throw error
      problems.add({ code: 'identity_damaged', message: reasonOf(error) })
    }
  }
  return identities
}

/** Checks that names and numbers lead to each other, in both directions. Returns the numbers of purged workspaces. */
async function checkNames(
  moment: DatabaseMoment,
  identities: ReadonlyMap<string, WorkspaceIdentity>,
  problems: Problems,
): Promise<Set<number>> {
  const purged = new Set<number>()
  for (const [name, { number }] of identities) {
    const value = await moment.get(nameKey(number))
    const found = value && Buffer.from(value).toString()
    if (found === name) continue
    const leads = found === undefined ? 'leads to no name' : `leads to ${found}`
    problems.add({ code: 'name_mismatch', message: `workspace ${name} has number ${number}, which ${leads}` })
  }
  for await (const [key, value] of moment.entries(kindRange(KIND.name))) {
    const [number, name] = [numberOfKey(key), Buffer.from(value).toString()]
    if (name === '') purged.add(number)
    if (name === '') continue
    const identity = identities.get(name)
    // A damaged identity has been reported, and has no number to compare.
    if (identity?.number === number || (identity === undefined && (await moment.get(workspaceKey(name))))) continue
    const message = `number ${number} leads to workspace ${name}, which ${identity ? `has number ${identity.number}` : 'has no identity'}`
    problems.add({ code: identity ? 'name_mismatch' : 'identity_missing', message })
  }
  return purged
}

async function countRecords(
  moment: DatabaseMoment,
  identities: ReadonlyMap<string, WorkspaceIdentity>,
): Promise<number> {
  let total = 0
  for (const { number } of identities.values()) {
    const last = await moment.last(recordKeyRange(number))
    if (last !== undefined) total += lsnOfRecordKey(last[0])
  }
  return total
}
