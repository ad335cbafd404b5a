import { type JournalTrial, journalTrial, kindOfSystemLog } from '@joinery/log'
import { HOOKS_LOG } from './hooks/hook-desk.ts'
import { inboxEvents, inboxStates } from './hooks/hook-fold.ts'
import { OUTBOX_LOG } from './outbox/lane.ts'
import { laneEvents, laneStates } from './outbox/lane-fold.ts'
import { outboxEvents, outboxStates } from './outbox/outbox-fold.ts'

/** Begins the trial of a journal of webhooks, of this name. Other system logs are not known here, and any bytes pass. */
export function tryWebhookJournal(log: string): JournalTrial {
  return journalTrial(readerOf(log))
}

function readerOf(log: string) {
  if (log === HOOKS_LOG) return { events: inboxEvents, states: inboxStates }
  if (log === OUTBOX_LOG) return { events: outboxEvents, states: outboxStates }
  return kindOfSystemLog(log) === OUTBOX_LOG ? { events: laneEvents, states: laneStates } : undefined
}
