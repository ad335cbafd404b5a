import type { Stamp } from '@joinery/client'
import { useProvenance } from '@joinery/react'
import type { PointerEvent, ReactNode } from 'react'
import { byWords, timeWords } from './source-words.ts'

const MINUTE_MS = 60_000

/** Shows who last wrote a block's text, as the server stamped it: actor, class of writer, time and LSN. */
export function LastEdit({ id }: { id: string }): ReactNode {
  const stamp = useProvenance(id, 'content')
  // Nobody has written yet, or the page is offline and does not know. The empty line keeps the layout from moving later.
  if (stamp === undefined) return <p className="last-edit" />
  const { actor, source, at } = stamp
  // The details change with each letter. They are written when somebody points at them: an attribute costs the page a frame.
  const showDetails = ({ currentTarget }: PointerEvent<HTMLElement>): void => {
    currentTarget.title = details(stamp)
  }
  return (
    <p className={`last-edit ${source === 'user_action' ? 'by-person' : 'by-job'}`} onPointerEnter={showDetails}>
      Text {byWords(actor, source)}, <time dateTime={minuteOf(at)}>{timeWords(at)}</time>
    </p>
  )
}

const details = ({ actor, source, at, lsn }: Stamp): string =>
  `${actor}, ${source}, ${new Date(at).toLocaleString()}, change ${lsn}`

const minuteOf = (atMs: number): string => new Date(atMs - (atMs % MINUTE_MS)).toISOString()
