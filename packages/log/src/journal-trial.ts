import { isNote } from './journal.ts'
import type { Codec } from './json-codec.ts'
import { LogError } from './log-error.ts'

/** Reads the records of a journal as a trial: their `update`s, oldest first, perhaps behind the state of a snapshot. */
export interface JournalTrial {
  /** Throws `corrupted` (`LogError`) for bytes that the journal can't be opened with. */
  add(update: Uint8Array): void
  finish(): void
}

/** The parts of a journal that read its records and its snapshots. */
export interface JournalReader {
  readonly events: Pick<Codec<unknown>, 'decode'>
  readonly states: Pick<Codec<unknown>, 'decode'>
}

/** Begins the trial of a journal. Without a reader its kind is not known, and any bytes pass. */
export function journalTrial(reader: JournalReader | undefined): JournalTrial {
  let isFirst = true
  return {
    add(update) {
      if (reader !== undefined && !isNote(update)) {
        try {
          reader.events.decode(update)
        } catch (error) {
          if (!isFirst || !(error instanceof LogError)) throw error
          reader.states.decode(update)
        }
      }
      isFirst = false
    },
    finish: () => undefined,
  }
}
