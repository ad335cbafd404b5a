import { useProvenance } from '@joinery/react'
import type { ReactNode } from 'react'
import { byWords, timeWords } from './source-words.ts'

/** Shows who last wrote a block's text, as the server stamped it: actor, class of writer, time and LSN. */
export function LastEdit({ id }: { id: string }): ReactNode {
  const stamp = useProvenance(id, 'content')
  // Nobody has written yet, or the page is offline and does not know. The empty line keeps the layout from moving later.
  if (stamp === undefined) return <p className="last-edit" />
  const { actor, source, at, lsn } = stamp
  const time = new Date(at)
  return (
    <p
      className={`last-edit ${source === 'user_action' ? 'by-person' : 'by-job'}`}
      title={`${actor}, ${source}, ${time.toLocaleString()}, change ${lsn}`}
    >
      Text {byWords(actor, source)}, <time dateTime={time.toISOString()}>{timeWords(at)}</time>
    </p>
  )
}
