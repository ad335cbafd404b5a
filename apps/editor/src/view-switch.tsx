import type { ReactNode } from 'react'
import type { BoardView } from './board-view.ts'

const VIEWS = [
  { name: 'canvas', words: 'Canvas' },
  { name: 'list', words: 'List' },
] as const

interface ViewSwitchProps {
  readonly view: BoardView
  readonly onView: (view: BoardView) => void
}

/** Buttons that show the board as a canvas or as a list. */
export function ViewSwitch({ view, onView }: ViewSwitchProps): ReactNode {
  return (
    <fieldset className="views">
      <legend className="hidden">View</legend>
      {VIEWS.map(({ name, words }) => (
        <button type="button" key={name} aria-pressed={view === name} onClick={() => onView(name)}>
          {words}
        </button>
      ))}
    </fieldset>
  )
}
