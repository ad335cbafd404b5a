import type { AdoptingLog, Lsn } from '@joinery/log'
import { START } from '../history/position.ts'
import type { ReplicaLog } from '../history/replica-log.ts'

/** An open log of this node's store, as takeover and catch-up see it. */
export async function localCopyOf(log: AdoptingLog): Promise<ReplicaLog> {
  let mark = (await log.readMark()) ?? START
  return {
    get generation() {
      return log.generation
    },
    get head() {
      return log.head
    },
    get mark() {
      return mark
    },
    read: (after) => log.read({ after: after as Lsn }),
    adopt: async (records, next) => {
      await log.adopt(records, next)
      mark = next
    },
    truncate: (lsn) => log.truncate(lsn as Lsn),
  }
}
