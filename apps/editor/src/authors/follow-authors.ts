import { historyOf, type Workspace } from '@joinery/client'
import type * as Y from 'yjs'
import { type Author, authorRuns, clientRuns, type Run } from './author-runs.ts'
import { ClientAuthors } from './client-authors.ts'

/** Time without an edit after which the passages are read anew, ms: typing in a long text stays as quick as without. */
export const SETTLE_MS = 400
/** Times that a text with an unknown writer is read again, each after twice the pause: a record is told once it is durable. */
const AGAIN_MAX = 4

/** For the page: client ids are random, so that those of two workspaces do not meet. */
const authors = new ClientAuthors()

export interface FollowedText {
  readonly workspace: Workspace
  readonly id: string
  readonly text: Y.Text
  /** The name under which the server knows this page's person. */
  readonly actor: string | undefined
  /** Waits until it may ask the server. */
  readonly turn?: (ask: () => Promise<void>) => Promise<void>
}

export interface AuthorsListener {
  readonly onRuns: (runs: readonly Run<Author | undefined>[]) => void
  readonly onFailure: (reason: string) => void
}

const atOnce = (ask: () => Promise<void>): Promise<void> => ask()

/**
 * Tells the author of each passage of a block's text: `firstMs` from now, and anew once edits rest. Returns the function that
 * ends it.
 */
export function followAuthors(
  { workspace, id, text, actor, turn = atOnce }: FollowedText,
  { onRuns, onFailure }: AuthorsListener,
  firstMs: number,
): () => void {
  const controller = new AbortController()
  const { signal } = controller
  let timer: ReturnType<typeof setTimeout> | undefined
  const lookIn = (ms: number, again: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void look(again), ms)
  }
  const look = async (again: number): Promise<void> => {
    if (actor !== undefined && text.doc) authors.note(text.doc.clientID, { actor, source: 'user_action' })
    const clients = new Set(clientRuns(text).map(({ by }) => by))
    try {
      await turn(async () => {
        if (!signal.aborted) await authors.find(historyOf(workspace), id, clients, signal)
      })
    } catch (error) {
      if (!signal.aborted) onFailure(error instanceof Error ? error.message : String(error))
      return
    }
    if (signal.aborted) return
    // Read again: somebody may have written meanwhile.
    const runs = authorRuns(clientRuns(text), authors.known)
    onRuns(runs)
    if (again < AGAIN_MAX && runs.some(({ by }) => by === undefined)) lookIn(SETTLE_MS * 2 ** again, again + 1)
  }
  const onText = (): void => lookIn(SETTLE_MS, 0)
  if (firstMs === 0) void look(0)
  else lookIn(firstMs, 0)
  text.observe(onText)
  return () => {
    controller.abort()
    clearTimeout(timer)
    text.unobserve(onText)
  }
}
