import type { Lsn, WorkspaceLog } from '@joinery/log'
import type { ServerLimits } from '../../limits.ts'
import { findStart, type Start } from '../stored-state.ts'
import { TrialError } from './trial-error.ts'
import type { TrialDocument } from './trials.ts'

/** The limits of what is tried. */
export type FitLimits = Pick<ServerLimits, 'trialMs' | 'loadMsMax'>

/** The cost of an update that fits. */
export interface Fit {
  /** Time to apply it, ms of CPU. */
  readonly cpuMs: number
  /** Structs of the update. */
  readonly structs: number
  /** The update in the parts in which a room takes it; none for one that was applied whole. */
  readonly parts: readonly Uint8Array[]
}

/** Bytes of records that are sent to the thread at once. */
const CHUNK_BYTES = 1024 * 1024
/** Time that one unit of an update may take, ms of CPU: a unit is not divided further, and everybody waits for it. */
const UNIT_MS_MAX = 250
/**
 * Time that each MiB of an update which is applied whole may take besides, ms of CPU. Long values of one upload take 2 to 9 ms a
 * MiB, and twice that while others use the machine. Content whose time grows with its square takes hundreds.
 */
const WHOLE_MIB_MS_MAX = 20
const MIB = 1024 * 1024
/** Time that an update may take for each of its structs, ms of CPU, besides `trialMs`: a first sync may be of any size. */
const STRUCT_MS_MAX = 0.05
/** Time from which on it is tried, too, how long the document takes to load with the update, ms of CPU. */
const RELOAD_FROM_MS = 250

/** Time that an update of `bytes` bytes which is applied whole may take, ms of CPU: everybody waits for it. */
function wholeMsMax(bytes: number): number {
  return UNIT_MS_MAX + (bytes / MIB) * WHOLE_MIB_MS_MAX
}

/**
 * Tries an update on a copy of a workspace: the log's state, up to its head as of now. One that is one record is applied
 * whole (`isWhole`), others in units. Rejects with {@link TrialError} when it does not fit, and with the storage error.
 */
export async function tryUpdate(
  document: TrialDocument,
  log: WorkspaceLog,
  update: Uint8Array,
  { trialMs, loadMsMax }: FitLimits,
  isWhole: boolean,
): Promise<Fit> {
  const loadMs = await loadLog(document, log, loadMsMax)
  // The bound of an update that is applied whole is known before; that of another depends on its structs.
  const msMax = isWhole ? Math.min(wholeMsMax(update.length), loadMsMax - loadMs) : loadMsMax - loadMs
  const { cpuMs, unitMs = 0, structs = 0, parts = [] } = await document.try(update, msMax, isWhole)
  const allowedMs = isWhole ? wholeMsMax(update.length) : trialMs + structs * STRUCT_MS_MAX
  if (cpuMs > allowedMs) throw new TrialError('too_long', `it takes ${ms(cpuMs)} ms, more than ${ms(allowedMs)} ms`)
  if (!isWhole && unitMs > UNIT_MS_MAX) {
    throw new TrialError('too_long', `a part of it takes ${ms(unitMs)} ms, more than ${UNIT_MS_MAX} ms`)
  }
  if (cpuMs > RELOAD_FROM_MS) await document.reload(loadMsMax)
  return { cpuMs, structs, parts }
}

/** Loads a log's state, up to its head as of now. Resolves with the time that it took, ms of CPU. Rejects as {@link tryUpdate}. */
async function loadLog(document: TrialDocument, log: WorkspaceLog, msMax: number): Promise<number> {
  return log.head === 0 ? 0 : await loadRecords(document, log, await findStart(log), msMax)
}

/**
 * Loads a start and the records behind it, up to the log's head as of now. Resolves with the time that it took, ms of CPU. Rejects
 * with {@link TrialError} after `msMax`, and with the storage error.
 */
export async function loadRecords(
  document: TrialDocument,
  log: WorkspaceLog,
  start: Start | undefined,
  msMax: number,
): Promise<number> {
  const through = log.head
  let spentMs = 0
  const load = async (updates: readonly Uint8Array[]): Promise<void> => {
    spentMs += (await document.load(updates, msMax - spentMs)).cpuMs
  }
  if (start !== undefined) await load([start.state])
  let chunk: Uint8Array[] = []
  let bytes = 0
  for await (const { update } of log.read({ after: start?.lsn ?? (0 as Lsn), through })) {
    chunk.push(update)
    bytes += update.length
    if (bytes < CHUNK_BYTES) continue
    await load(chunk)
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) await load(chunk)
  return spentMs
}

function ms(time: number): number {
  return Math.round(time)
}
