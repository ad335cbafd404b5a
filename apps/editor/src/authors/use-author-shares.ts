import { useServer, useWorkspace, useYText } from '@joinery/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { openedText } from '../text/opened-text.ts'
import { type Share, sharesOf } from './author-runs.ts'
import { followAuthors, SETTLE_MS } from './follow-authors.ts'

const NONE: readonly Share[] = []

let before: Promise<unknown> = Promise.resolve()

/** Lets one card at a time ask the server: a board that opens has dozens of them, and the answer to one mostly knows others' writers. */
function turn(ask: () => Promise<void>): Promise<void> {
  const mine = before.then(ask)
  // The card that asked is told of its failure. The next one asks all the same.
  before = mine.catch(() => undefined)
  return mine
}

/** How much each author wrote of a block's text. Empty until it is known: the server is asked once the card has rested. */
export function useAuthorShares(id: string): readonly Share[] {
  const workspace = useWorkspace()
  const actor = useServer()?.actor
  const text = useYText(id)
  const [shares, setShares] = useState(NONE)
  // Behind the large editor the card rests.
  const isCovered = useSyncExternalStore(openedText.subscribe, () => openedText.get()?.block === id)
  useEffect(() => {
    if (text === undefined) return setShares(NONE)
    if (isCovered) return
    return followAuthors(
      { workspace, id, text, actor, turn },
      {
        onRuns: (runs) =>
          setShares((shown) => {
            const next = sharesOf(runs)
            return JSON.stringify(next) === JSON.stringify(shown) ? shown : next
          }),
        // The card goes on to tell who wrote last; the next edit asks again.
        onFailure: () => setShares(NONE),
      },
      SETTLE_MS,
    )
  }, [workspace, id, text, actor, isCovered])
  return shares
}
