import { useBlock, useObservable } from '@joinery/react'
import { type ReactNode, useEffect } from 'react'
import { latePart } from '../late-part.tsx'
import { openedText, openText } from './opened-text.ts'
import { TextFrame } from './text-frame.tsx'

const TextDialog = latePart(
  async () => (await import('./text-dialog.tsx')).TextDialog,
  (problem, { opened }) => (
    <TextFrame id={opened.block}>{problem ?? <p className="soft">Loading the editor…</p>}</TextFrame>
  ),
)

/** The large editor of a text, while one is open. Its code is loaded when a text is opened for the first time. */
export function LargeText(): ReactNode {
  const opened = useObservable(openedText)
  const isThere = useBlock(opened?.block ?? '') !== undefined
  // The block was deleted, by this person's undo or by somebody else.
  const isLost = opened !== undefined && !isThere
  useEffect(() => {
    if (isLost) openText(undefined)
  }, [isLost])
  if (opened === undefined || isLost) return null
  return <TextDialog key={opened.block} opened={opened} />
}
