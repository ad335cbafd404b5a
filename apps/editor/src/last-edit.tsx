import { useProvenance } from '@joinery/react'
import type { ReactNode } from 'react'
import { byWords, timeWords } from './source-words.ts'

/** Who last wrote a block's text, by the server's word: who, what for, when, and where in the log. */
export function LastEdit({ id }: { id: string }): ReactNode {
  const stamp = useProvenance(id, 'content')
  // Nobody wrote yet, or nobody says who did: offline it is not known. The line stays, so that nothing moves when it is.
  if (stamp === undefined) return <p className="last-edit" />
  const { actor, source, at, lsn } = stamp
  const time = new Date(at)
  return (
    <p className="last-edit" title={`${actor}, ${source}, ${time.toLocaleString()}, change ${lsn}`}>
      Text {byWords(actor, source)}, <time dateTime={time.toISOString()}>{timeWords(at)}</time>
    </p>
  )
}
