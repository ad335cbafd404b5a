import { useBlock, useObservable } from '@joinery/react'
import { type ComponentType, type ReactNode, useEffect, useState } from 'react'
import { openedText, openText } from './opened-text.ts'
import type { TextDialogProps } from './text-dialog.tsx'
import { TextFrame } from './text-frame.tsx'

type Loaded =
  | { readonly state: 'loading' | 'failed' }
  | { readonly state: 'loaded'; readonly Dialog: ComponentType<TextDialogProps> }

/** The large editor of a text, while one is open. Its code is loaded when a text is opened for the first time. */
export function LargeText(): ReactNode {
  const opened = useObservable(openedText)
  const isThere = useBlock(opened?.block ?? '') !== undefined
  const [loaded, setLoaded] = useState<Loaded>({ state: 'loading' })
  const isWanted = opened !== undefined && loaded.state === 'loading'
  useEffect(() => {
    if (!isWanted) return
    let isCurrent = true
    import('./text-dialog.tsx').then(
      ({ TextDialog }) => isCurrent && setLoaded({ state: 'loaded', Dialog: TextDialog }),
      () => isCurrent && setLoaded({ state: 'failed' }),
    )
    return () => {
      isCurrent = false
    }
  }, [isWanted])
  // The block was deleted, by this person's undo or by somebody else.
  const isLost = opened !== undefined && !isThere
  useEffect(() => {
    if (isLost) openText(undefined)
  }, [isLost])
  if (opened === undefined || isLost) return null
  if (loaded.state === 'loaded') return <loaded.Dialog key={opened.block} opened={opened} />
  return (
    <TextFrame id={opened.block}>
      {loaded.state === 'loading' ? (
        <p className="soft">Loading the editor…</p>
      ) : (
        <p role="alert">
          The editor could not be loaded. Your text is safe: write on the card meanwhile, or{' '}
          <button type="button" onClick={() => setLoaded({ state: 'loading' })}>
            try again
          </button>
        </p>
      )}
    </TextFrame>
  )
}
