import { useServer, useWorkspace } from '@joinery/react'
import { useEffect, useState } from 'react'
import type * as Y from 'yjs'
import type { Author, Run } from './author-runs.ts'
import { followAuthors } from './follow-authors.ts'

export type AuthorRuns =
  | { readonly state: 'off' | 'reading' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'read'; readonly runs: readonly Run<Author | undefined>[] }

/** One object: as a new one, it would render the editor again. */
const OFF: AuthorRuns = { state: 'off' }

/** The author of each passage of a block's text, while it is wanted. Follows edits once they rest. */
export function useAuthorRuns(id: string, text: Y.Text | undefined, isWanted: boolean): AuthorRuns {
  const workspace = useWorkspace()
  const actor = useServer()?.actor
  const [shown, setShown] = useState(OFF)
  useEffect(() => {
    if (!isWanted || text === undefined) return setShown(OFF)
    setShown({ state: 'reading' })
    return followAuthors(
      { workspace, id, text, actor },
      {
        onRuns: (runs) => setShown({ state: 'read', runs }),
        onFailure: (reason) => setShown({ state: 'failed', reason }),
      },
      0,
    )
  }, [workspace, id, text, isWanted, actor])
  return shown
}
