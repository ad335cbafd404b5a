import type { DatabaseMoment } from '../disk/database.ts'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { workspaceKey } from '../records/key.ts'
import { assertAlive, decodeWorkspaceIdentity } from '../records/workspace-identity.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { readRollCalls } from '../store/roll-call-heads.ts'
import { isDamage, type Problem, reasonOf } from './problem.ts'
import { planRepair } from './repair-plan.ts'
import { type TrialOptions, trialOf } from './trial-load.ts'
import { inspectWorkspace, type WorkspaceLook } from './verify-workspace.ts'

/** The kept part has to load. */
export interface SurveyOptions extends TrialOptions {
  readonly signal?: AbortSignal
}

/** The damage of a workspace, and what a repair keeps and drops. */
export interface RepairSurvey {
  readonly workspace: string
  readonly generation: string
  /** The first hundred problems; none if nothing is damaged. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
  /** The kept records, from one LSN through another, all intact, and the kept snapshots. */
  readonly kept: { readonly firstLsn: Lsn; readonly head: Lsn; readonly snapshots: number }
  /** Number of dropped records before the kept ones. Their history is lost; what they wrote is in a snapshot. */
  readonly droppedBefore: number
  /**
   * Number of dropped LSNs behind the kept records, up to the last that the workspace is known to have reached. The
   * edits of their records are lost.
   */
  readonly droppedBehind: number
  /** Time up to which content is kept: that of the last kept record, ms since epoch. Undefined if nothing is damaged. */
  readonly keptUntil?: number
}

/**
 * Says what `repairWorkspace` would do. Reads only. Throws `corrupted` where no good state can be told, `not_loadable` where none
 * can be loaded, `invalid` or `deleted`.
 */
export async function surveyRepair(
  store: EventStore,
  workspace: string,
  options: SurveyOptions = {},
): Promise<RepairSurvey> {
  const moment = levelStoreOf(store).disk.pin()
  try {
    return (await survey(moment, workspace, options)).told
  } finally {
    await moment.close()
  }
}

/** The problems, and the plan of a repair: none if there is no problem. */
export async function survey(moment: DatabaseMoment, workspace: string, options: SurveyOptions) {
  const value = await moment.get(workspaceKey(workspace))
  if (value === undefined) throw new LogError('invalid', `there is no workspace ${workspace}`, { workspace })
  const identity = decodeWorkspaceIdentity(workspace, value)
  assertAlive(workspace, identity)
  const { number, generation } = identity
  const look: WorkspaceLook = {
    ...{ moment, workspace, number, identity, signal: options.signal },
    witnessed: await witnessedHead(moment, number),
    load: trialOf(options, workspace),
    onRecord: () => undefined,
  }
  const { report, unloadable } = await inspectWorkspace(look).catch(unreadable)
  const { problems, problemCount } = report
  const found = { workspace, generation, problems, problemCount }
  if (problemCount === 0) {
    const { firstLsn, head, snapshots } = report
    return { look, told: { ...found, kept: { firstLsn, head, snapshots }, droppedBefore: 0, droppedBehind: 0 } }
  }
  const plan = await planRepair(look, unloadable)
  const { firstLsn, head, headAt, snapshots, reached, extent } = plan
  const told: RepairSurvey = {
    ...found,
    kept: { firstLsn, head, snapshots: snapshots.length },
    droppedBefore: firstLsn - extent.firstLsn,
    droppedBehind: reached - head,
    keptUntil: headAt,
  }
  return { look, plan, told }
}

/** The LSN that roll calls say the workspace has reached. */
async function witnessedHead(moment: DatabaseMoment, number: number): Promise<Lsn> {
  return (await readRollCalls((range) => moment.entries(range))).heads.get(number) ?? (0 as Lsn)
}

/** Reading may throw `corrupted`: LevelDB itself notices some damage of tables. */
function unreadable(error: unknown) {
  if (!isDamage(error)) throw error
  const problems: Problem[] = [{ code: 'store_unreadable', message: reasonOf(error) }]
  const report = { problems, problemCount: 1, firstLsn: 1 as Lsn, head: 0 as Lsn, snapshots: 0 }
  return { report, unloadable: new Map<Lsn, string>() }
}
