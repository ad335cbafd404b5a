import { isNote, jsonCodec, LogError } from '@joinery/log'
import { intakeEvents, intakeStates } from './intake.ts'
import { journalEvent } from './record-schemas.ts'
import { stateCodec } from './saved-state.ts'

/** Kind of the logs: `!work` for the server, `!work/<workspace>` for a workspace. */
export const KIND = '!work'
/** No copy of the data has this id. */
const REPAIRED = 'repaired'

export const journalEvents = jsonCodec(journalEvent, 'a record of tasks')

/** Reads the records of a journal of tasks as a trial: their `update`s, oldest first, perhaps behind the state of a snapshot. */
export interface JournalTrial {
  /** Throws `corrupted` (`LogError`) for bytes that the journal can't be opened with. */
  add(update: Uint8Array): void
  finish(): void
}

/** Begins a trial of the journal of this name. Other system logs are not known here, and any bytes pass. */
export function tryJournal(log: string): JournalTrial {
  const codecs = codecsOf(log)
  let isFirst = true
  return {
    add(update) {
      if (codecs !== undefined && !isNote(update)) {
        try {
          codecs.events.decode(update)
        } catch (error) {
          if (!isFirst || !(error instanceof LogError)) throw error
          codecs.states.decode(update)
        }
      }
      isFirst = false
    },
    finish: () => undefined,
  }
}

function codecsOf(log: string) {
  if (log === KIND) return { events: intakeEvents, states: intakeStates }
  return log.startsWith(`${KIND}/`) ? { events: journalEvents, states: stateCodec } : undefined
}

/**
 * The record with which a repair that has dropped records ends a journal of tasks: its open tasks are paused, since steps that were
 * made may be forgotten. Undefined for other system logs.
 */
export function noteOfRepair(log: string): Uint8Array | undefined {
  if (log === KIND) return intakeEvents.encode({ type: 'repaired' })
  return log.startsWith(`${KIND}/`) ? journalEvents.encode({ type: 'copied', copy: REPAIRED }) : undefined
}
