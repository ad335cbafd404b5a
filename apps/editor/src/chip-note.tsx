import type { IndexingEntry } from '@joinery/blocks'
import type { ReactNode } from 'react'
import { byWords, sourceWords, timeWords } from './source-words.ts'

const DAY_MS = 86_400_000

/** Who said what a chip says: shown while the pointer or the keyboard is on the chip. */
export function ChipNote({ id, entry }: { id: string; entry: IndexingEntry }): ReactNode {
  const { actor, source, at, run } = entry
  const isOld = Date.now() - at > DAY_MS
  return (
    <span role="tooltip" id={id} className="chip-note">
      Said {byWords(actor, source)},{' '}
      <time dateTime={new Date(at).toISOString()}>
        {isOld ? new Date(at).toLocaleDateString() : ''} {timeWords(at)}
      </time>
      . Run {run.no}, started {sourceWords(run.source)}.
    </span>
  )
}
