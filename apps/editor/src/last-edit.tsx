import { useProvenance } from '@joinery/react'
import type { ReactNode } from 'react'

const SOURCES: Readonly<Record<string, string>> = {
  user_action: 'by hand',
  workflow_execution: 'by a workflow',
  instantiation: 'by a template',
  polling_sync: 'by a poller',
  server: 'by the server',
}

/** Who last wrote a block's text, by the server's word: who, what for, when, and where in the log. */
export function LastEdit({ id }: { id: string }): ReactNode {
  const stamp = useProvenance(id, 'content')
  if (stamp === undefined) return <p className="last-edit">No text yet</p>
  const { actor, source, at, lsn } = stamp
  const time = new Date(at)
  const how = SOURCES[source] ?? source
  return (
    <p className="last-edit" title={`${actor}, ${source}, ${time.toLocaleString()}, change ${lsn}`}>
      Text by {actor}, {how},{' '}
      <time dateTime={time.toISOString()}>{time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</time>
    </p>
  )
}
