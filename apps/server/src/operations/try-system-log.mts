import { type JournalTrial, kindOfSystemLog } from '@joinery/log'
import { tryResourceJournal } from '@joinery/resources'
import { LEASES_LOG, tryLeaseJournal } from '@joinery/server'
import { tryJournal } from '@joinery/tasks'

/** Begins to read a system log of a server, by the part of the server that keeps it. */
export function trySystemLog(name: string): JournalTrial {
  const kind = kindOfSystemLog(name)
  if (kind === '!work') return tryJournal(name)
  return kind === LEASES_LOG ? tryLeaseJournal() : tryResourceJournal(name)
}
