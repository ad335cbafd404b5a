import type { LogRecord } from '@joinery/log'
import type { Logger } from 'pino'
import type { Observed } from '../content/document-rules.ts'
import type { Counters } from '../counters.ts'
import type { Member } from './member.ts'

/**
 * Logs the changes that a record made in what people are shown. Tells every member of the claims that lost to
 * concurrent ones.
 */
export function tellObserved(
  observed: readonly Observed[],
  { workspace, record: { actor, source, lsn } }: { readonly workspace: string; readonly record: LogRecord },
  members: Iterable<Member>,
  { counters, logger }: { readonly counters: Counters; readonly logger: Logger },
): void {
  if (observed.length === 0) return
  const about = { workspace, actor, source, lsn }
  for (const { changes, conflicts } of observed) {
    for (const change of changes) logger.debug({ ...about, ...change }, 'shown value changed')
    for (const conflict of conflicts) {
      counters.conflicts++
      logger.info({ ...about, ...conflict }, 'conflict')
      for (const member of members) member.tell({ type: 'conflict', ...conflict })
    }
  }
}
