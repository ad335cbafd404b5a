import type { IndexingEntry } from '@joinery/blocks'
import type { ReactNode } from 'react'
import { byWords, sourceWords, timeWords } from './source-words.ts'

const DAY_MS = 86_400_000

/** Note on who reported a chip's status, how and when. Shown while the pointer or the focus is on the chip. */
export function ChipNote({ id, entry }: { id: string; entry: IndexingEntry }): ReactNode {
  const { actor, source, at, run } = entry
  const isOld = Date.now() - at > DAY_MS
  return (
    <span role="tooltip" id={id} className="chip-note">
      Reported {byWords(actor, source)},{' '}
      <time dateTime={new Date(at).toISOString()}>
        {isOld ? new Date(at).toLocaleDateString() : ''} {timeWords(at)}
      </time>
      . Run {run.no}, started {sourceWords(run.source)}.
    </span>
  )
}
