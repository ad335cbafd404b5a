import type { AdoptingLog, Lsn } from '@joinery/log'
import { START } from '../history/position.ts'
import type { ReplicaLog } from '../history/replica-log.ts'

/** An open log of this node's store, as takeover and catch-up see it. */
export async function localCopyOf(log: AdoptingLog): Promise<ReplicaLog> {
  let mark = (await log.readMark()) ?? START
  let floor: number = await log.readFloor()
  return {
    get generation() {
      return log.generation
    },
    get head() {
      return log.head
    },
    get firstLsn() {
      return log.firstLsn
    },
    get mark() {
      return mark
    },
    get floor() {
      return floor
    },
    read: (after) => log.read({ after: after as Lsn }),
    readOrigin: () => log.readOrigin(),
    chainAt: (lsn) => log.chainAt(lsn as Lsn),
    adopt: async (records, next, origin) => {
      await log.adopt(records, next, origin)
      mark = next
      floor = Math.max(floor, next.lsn)
    },
    protect: async () => {
      await log.protect()
      floor = log.head
    },
    truncate: (lsn) => log.truncate(lsn as Lsn),
  }
}
