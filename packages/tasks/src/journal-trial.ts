import { type JournalTrial, journalTrial } from '@joinery/log'
import { intakeEvents, intakeStates } from './intake.ts'
import { KIND, workspaceOfJournal } from './names.ts'
import { journalEvents } from './record-schemas.ts'
import { stateCodec } from './saved-state.ts'

/** No copy of the data has this id. */
const REPAIRED = 'repaired'

/** Begins the trial of the journal of this name. Other system logs are not known here, and any bytes pass. */
export function tryJournal(log: string): JournalTrial {
  return journalTrial(codecsOf(log))
}

function codecsOf(log: string) {
  if (log === KIND) return { events: intakeEvents, states: intakeStates }
  return workspaceOfJournal(log) === undefined ? undefined : { events: journalEvents, states: stateCodec }
}

/**
 * The record with which a repair that has dropped records ends a journal of tasks: its open tasks are paused, since steps that were
 * made may be forgotten. Undefined for other system logs.
 */
export function noteOfRepair(log: string): Uint8Array | undefined {
  if (log === KIND) return intakeEvents.encode({ type: 'repaired' })
  return workspaceOfJournal(log) === undefined ? undefined : journalEvents.encode({ type: 'copied', copy: REPAIRED })
}
