import { historyOf } from '@joinery/client'
import { useServer, useWorkspace } from '@joinery/react'
import { useEffect, useState } from 'react'
import type * as Y from 'yjs'
import { type Author, authorRuns, clientRuns, type Run } from './author-runs.ts'
import { ClientAuthors } from './client-authors.ts'

/** Time without an edit after which the passages are read anew, ms: typing in a long text stays as quick as without. */
const SETTLE_MS = 400

/** For the page: client ids are random, so that those of two workspaces do not meet. */
const authors = new ClientAuthors()

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
    const controller = new AbortController()
    const { signal } = controller
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (): Promise<void> => {
      if (actor !== undefined && text.doc) authors.note(text.doc.clientID, { actor, source: 'user_action' })
      try {
        await authors.find(historyOf(workspace), id, new Set(clientRuns(text).map(({ by }) => by)), signal)
      } catch (error) {
        if (!signal.aborted)
          setShown({ state: 'failed', reason: error instanceof Error ? error.message : String(error) })
        return
      }
      // Read again: somebody may have written meanwhile.
      if (!signal.aborted) setShown({ state: 'read', runs: authorRuns(clientRuns(text), authors.known) })
    }
    const onText = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => void look(), SETTLE_MS)
    }
    setShown({ state: 'reading' })
    void look()
    text.observe(onText)
    return () => {
      controller.abort()
      clearTimeout(timer)
      text.unobserve(onText)
    }
  }, [workspace, id, text, isWanted, actor])
  return shown
}
