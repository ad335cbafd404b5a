import { useCallback, useState, useSyncExternalStore } from 'react'
import { storage } from './device-storage.ts'

/** Ways to show the blocks of a workspace. */
export type BoardView = 'canvas' | 'list'

const KEY = 'joinery view'
const NARROW = '(width < 700px)'

/**
 * The view of the board, and a function that chooses one. Without a choice a phone shows the list, and every other screen the
 * canvas. A choice is kept for later visits.
 */
export function useBoardView(): readonly [view: BoardView, choose: (view: BoardView) => void] {
  const [chosen, setChosen] = useState(readChoice)
  const isNarrow = useMedia(NARROW)
  const choose = useCallback((view: BoardView): void => {
    storage.setItem(KEY, view)
    setChosen(view)
  }, [])
  return [chosen ?? (isNarrow ? 'list' : 'canvas'), choose]
}

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => matchMedia(query).matches,
  )
}

function readChoice(): BoardView | undefined {
  const kept = storage.getItem(KEY)
  return kept === 'canvas' || kept === 'list' ? kept : undefined
}
