import { type ReactNode, useEffect, useState } from 'react'
import type { Command } from './command.ts'
import { Palette } from './palette.tsx'

/**
 * Button and key (Ctrl or Command + K) that open the palette. `commandsOf` gives the commands of the moment. The palette is not
 * loaded late: it takes the letters that are typed right behind its key.
 */
export function PaletteButton({ commandsOf }: { commandsOf: () => readonly Command[] }): ReactNode {
  const [commands, setCommands] = useState<readonly Command[]>()
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const isAsked = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey
      if (isInLargeText(event) || !isAsked || event.key.toLowerCase() !== 'k' || event.isComposing) return
      event.preventDefault()
      event.stopPropagation()
      setCommands((before) => (before === undefined ? commandsOf() : undefined))
    }
    // Before any editor, which may have the key for its own.
    window.addEventListener('keydown', onKeyDown, { capture: true })
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true })
  }, [commandsOf])
  return (
    <>
      <button
        type="button"
        className="search-button"
        aria-haspopup="dialog"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => setCommands(commandsOf())}
      >
        Search <span aria-hidden="true">Ctrl K</span>
      </button>
      {commands !== undefined && <Palette commands={commands} onClose={() => setCommands(undefined)} />}
    </>
  )
}

/** The large editor covers the page, and has this key for links. */
const isInLargeText = ({ target }: KeyboardEvent): boolean =>
  target instanceof Element && target.closest('.large-text') !== null
