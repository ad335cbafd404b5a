import { useConnectionStatus } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { useIsOffered } from './demonstration/index.tsx'
import { useCanWrite } from './keys/use-can-write.ts'
import { Mark } from './mark.tsx'

/** How often a board of this page was empty. */
let emptyBoards = 0

interface WelcomeProps {
  readonly name: string
  /** Called with a number of this empty board: a second press asks for the same, and a board that is empty again for another. */
  readonly onWatch: (no: number) => void
}

/** Content of an empty board: an explanation, and what to do first. */
export function Welcome({ name, onWatch }: WelcomeProps): ReactNode {
  const [no] = useState(() => ++emptyBoards)
  const connection = useConnectionStatus()
  const isOffered = useIsOffered(name)
  const canWrite = useCanWrite()
  // The banner above shows why the connection was refused.
  if (connection === 'refused') return null
  if (connection === 'connecting') return <p className="empty">Opening the workspace…</p>
  if (connection === 'waiting') {
    return <p className="empty">There is no connection, and this device has no copy of the workspace yet.</p>
  }
  if (!canWrite) return <p className="empty">Nothing is written here yet, and you may read here, not write.</p>
  return (
    <section className="welcome" aria-labelledby="welcome">
      <Mark size={52} />
      <h2 id="welcome">People and background jobs, in the same blocks</h2>
      <p>
        Add a block above and type: your text is saved as you type. Open this page in a second window, and type there,
        too.
      </p>
      {isOffered && (
        <>
          <p>
            Or start background jobs. They rewrite and index the blocks you type in. Some fail, some report late, and
            some are killed.
          </p>
          <button type="button" className="primary" onClick={() => onWatch(no)}>
            Watch a day’s work
          </button>
        </>
      )}
    </section>
  )
}
