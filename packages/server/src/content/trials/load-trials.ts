import type { LogRecord, WorkspaceLog } from '@joinery/log'
import pino, { type Logger } from 'pino'
import { Counters } from '../../counters.ts'
import type { ServerLimits } from '../../limits.ts'
import { ServerError, tooCostly } from '../../server-error.ts'
import { findStart, type Start } from '../stored-state.ts'
import { countParts } from '../struct-spans.ts'
import { TrialError } from './trial-error.ts'
import { type TrialLimits, Trials } from './trials.ts'
import { loadRecords } from './try-update.ts'

/** Structs up to which a workspace is loaded untried: however they stand, Yjs places them in half a second. */
const FREE_STRUCTS = 3_000
/** Time of the first try, ms of CPU. A workspace that takes longer is tried again apart from the others, which wait no longer. */
const FIRST_TRY_MS = 3_000
/** Workspaces whose outcome is remembered: some 200 bytes each. */
const KNOWN_MAX = 100_000

/** Outcome of a trial: whether the workspace can be loaded, and if not, the head that it had and why. */
type Outcome =
  | { readonly state: 'loads' }
  | { readonly state: 'costly'; readonly head: number; readonly reason: string }

const LOADS: Outcome = { state: 'loads' }

/** The records that a load reads behind its start: those at hand, or undefined for more than fit into memory. */
type Tail = readonly LogRecord[] | undefined

export interface LoadTrialsContext {
  readonly limits: TrialLimits & Pick<ServerLimits, 'loadMsMax'>
  readonly counters: Counters
  readonly logger: Logger
}

/**
 * Finds workspaces that take too long to load before the room loads them: their history was written by an older version, or imported.
 * Rooms of this version take no update that makes a workspace so, and mark their snapshots.
 */
export class LoadTrials {
  readonly #context: LoadTrialsContext
  readonly #first: Trials
  readonly #long: Trials
  /** By generation: what is written to a workspace from then on is bounded. */
  readonly #known = new Map<string, Outcome>()
  /** Names of the workspaces that can't be loaded, with the reason. */
  readonly #costly = new Map<string, string>()

  constructor(context: LoadTrialsContext) {
    this.#context = context
    const limits = { ...context.limits, trialsWaitingMax: Number.POSITIVE_INFINITY, trialWaitMs: undefined }
    this.#first = new Trials(limits)
    this.#long = new Trials(limits)
  }

  /** Workspaces that were found to take too long, with the reason. */
  get costly(): ReadonlyMap<string, string> {
    return this.#costly
  }

  /**
   * Resolves when a workspace may be loaded. Rejects with `too_costly` when it takes more time or memory than it may, with
   * `load_failed` when that can't be found out now, and with the storage error.
   */
  async admit(log: WorkspaceLog, start: Start | undefined, tail: Tail): Promise<void> {
    const { generation, head } = log
    if (generation === undefined || head === 0) return
    const known = this.#known.get(generation)
    if (known?.state === 'loads') return void this.#costly.delete(log.workspace)
    if (known?.state === 'costly' && known.head === head) throw tooCostly(known.reason)
    if (!mayBeCostly(start, tail)) return void this.#costly.delete(log.workspace)
    this.#remember(log, await this.#try(log, start))
  }

  async close(): Promise<void> {
    await Promise.all([this.#first.close(), this.#long.close()])
  }

  async #try(log: WorkspaceLog, start: Start | undefined): Promise<Outcome> {
    const { counters, limits, logger } = this.#context
    const sinceMs = performance.now()
    counters.loadTrials++
    const load = (trials: Trials, cpuMsMax: number): Promise<number> =>
      trials.run(log.workspace, (document) => loadRecords(document, log, start, cpuMsMax))
    try {
      const firstMs = Math.min(FIRST_TRY_MS, limits.loadMsMax)
      await load(this.#first, firstMs).catch((error: unknown) => {
        if (isTooLong(error) && limits.loadMsMax > firstMs) return load(this.#long, limits.loadMsMax)
        throw error
      })
      return LOADS
    } catch (error) {
      if (!(error instanceof TrialError)) throw error
      // The room tells what is damaged.
      if (error.code === 'unreadable') return LOADS
      if (error.code === 'busy' || error.code === 'died') {
        throw new ServerError('load_failed', `the workspace could not be tried: ${error.message}`, { cause: error })
      }
      return { state: 'costly', head: log.head, reason: error.message }
    } finally {
      const ms = Math.round(performance.now() - sinceMs)
      logger.info({ workspace: log.workspace, lsn: log.head, ms }, 'a load was tried')
    }
  }

  #remember({ workspace, generation = '' }: WorkspaceLog, outcome: Outcome): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size >= KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(generation, outcome)
    if (outcome.state === 'loads') return void this.#costly.delete(workspace)
    this.#costly.set(workspace, outcome.reason)
    this.#context.counters.costlyLoads++
    this.#context.logger.error(
      { workspace, lsn: outcome.head, reason: outcome.reason },
      'the workspace takes too much to load and is not served: allow more (`loadMsMax`, `trialHeapBytes`), restore a backup, or end it before a record that takes too long with `joinery repair`',
    )
    throw tooCostly(outcome.reason)
  }
}

/** The reason for which a server of these limits would not serve a workspace; undefined if it would. Rejects with the storage error. */
export async function whyCostly(log: WorkspaceLog, limits: LoadTrialsContext['limits']): Promise<string | undefined> {
  const logger = pino({ level: 'silent' })
  const trials = new LoadTrials({ limits, counters: new Counters(), logger })
  try {
    await trials.admit(log, log.head === 0 ? undefined : await findStart(log), undefined)
    return undefined
  } catch (error) {
    if (error instanceof ServerError && error.code === 'too_costly') return trials.costly.get(log.workspace)
    throw error
  } finally {
    await trials.close()
  }
}

/** Whether a workspace is not served because of the memory that it takes, as the reason says. */
export function isAboutMemory(reason: string): boolean {
  return reason.includes('(trialHeapBytes)')
}

function isTooLong(error: unknown): boolean {
  return error instanceof TrialError && error.code === 'too_long'
}

/** Whether a load may take long. A marked snapshot, and all behind it, was written by rooms that let no such update in. */
function mayBeCostly(start: Start | undefined, tail: Tail): boolean {
  if (start?.annex.isBounded) return false
  if (tail === undefined) return true
  let left = FREE_STRUCTS
  for (const update of [...(start === undefined ? [] : [start.state]), ...tail.map((record) => record.update)]) {
    const structs = countParts(update, left)
    if (structs > left) return true
    left -= structs
  }
  return false
}
