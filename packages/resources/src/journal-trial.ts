import { type JournalTrial, journalTrial, kindOfSystemLog } from '@joinery/log'
import { FILES_LOG } from './files/file-quotas.ts'
import { fileEvents, fileUses } from './files/file-use.ts'
import { HOOKS_LOG } from './hooks/hook-desk.ts'
import { inboxEvents } from './hooks/hook-fold.ts'
import { inboxStates } from './hooks/hook-states.ts'
import { OUTBOX_LOG } from './outbox/lane.ts'
import { laneEvents, laneStates } from './outbox/lane-fold.ts'
import { outboxEvents, outboxStates } from './outbox/outbox-fold.ts'

/** Begins the trial of the journal of webhooks or of files of this name. Other system logs are not known here, and any bytes pass. */
export function tryResourceJournal(log: string): JournalTrial {
  return journalTrial(readerOf(log))
}

function readerOf(log: string) {
  if (log === FILES_LOG) return { events: fileEvents, states: fileUses }
  if (log === HOOKS_LOG) return { events: inboxEvents, states: inboxStates }
  if (log === OUTBOX_LOG) return { events: outboxEvents, states: outboxStates }
  return kindOfSystemLog(log) === OUTBOX_LOG ? { events: laneEvents, states: laneStates } : undefined
}
