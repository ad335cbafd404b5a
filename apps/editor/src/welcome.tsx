import { useConnectionStatus } from '@joinery/react'
import type { ReactNode } from 'react'
import { useIsOffered } from './demonstration/index.tsx'
import { Mark } from './mark.tsx'

/** What an empty board says: what this is, and what to do first. */
export function Welcome({ name, onWatch }: { name: string; onWatch: () => void }): ReactNode {
  const connection = useConnectionStatus()
  const isOffered = useIsOffered(name)
  // Why nobody is let in stands above.
  if (connection === 'refused') return null
  if (connection === 'connecting') return <p className="empty">Opening the workspace…</p>
  if (connection === 'waiting') {
    return <p className="empty">No connection, and nothing of this workspace is on this device yet.</p>
  }
  return (
    <section className="welcome" aria-labelledby="welcome">
      <Mark size={52} />
      <h2 id="welcome">People and background jobs, in the same blocks</h2>
      <p>
        Add a block above and type: what you write is kept as you write it. Open this page in a second window, and type
        there, too.
      </p>
      {isOffered && (
        <>
          <p>Or let jobs in. They rewrite, index, fail, come late and are killed, on the blocks you type in.</p>
          <button type="button" className="primary" onClick={onWatch}>
            Watch a day’s work
          </button>
        </>
      )}
    </section>
  )
}
