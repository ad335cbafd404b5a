import { useProvenance } from '@joinery/react'
import type { ReactNode } from 'react'
import { sourceWords, timeWords } from './source-words.ts'

/** Who last wrote a block's text, by the server's word: who, what for, when, and where in the log. */
export function LastEdit({ id }: { id: string }): ReactNode {
  const stamp = useProvenance(id, 'content')
  if (stamp === undefined) return <p className="last-edit">No text yet</p>
  const { actor, source, at, lsn } = stamp
  const time = new Date(at)
  return (
    <p className="last-edit" title={`${actor}, ${source}, ${time.toLocaleString()}, change ${lsn}`}>
      Text by {actor}, {sourceWords(source)}, <time dateTime={time.toISOString()}>{timeWords(at)}</time>
    </p>
  )
}
