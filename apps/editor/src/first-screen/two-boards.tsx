import type { TextEdit } from '@joinery/blocks'
import { type ReactNode, useCallback } from 'react'
import { createRoot } from 'react-dom/client'
import type { SmallBoard, Status } from './small-board.ts'
import { useDay } from './use-day.ts'
import type { Watched } from './watched-board.ts'
import './two-boards.css'

export function mountTwoBoards(place: HTMLElement): void {
  createRoot(place).render(<TwoBoards />)
}

/** Two boards that play the same jobs: one where the last writer wins, one on Joinery. The visitor can type into both. */
function TwoBoards(): ReactNode {
  const { boards, seen, words, isOver, again, onType } = useDay()
  return (
    <section className="two-boards" aria-labelledby="two-boards-title">
      <h2 id="two-boards-title">The same jobs, twice. Type into either board.</h2>
      <div className="pair">
        <OneBoard
          title="Last writer wins"
          note="plain values of a shared map"
          board={boards[0]}
          seen={seen[0]}
          isOver={isOver}
          onType={onType}
        />
        <OneBoard
          title="Joinery"
          note="merged texts, ordered statuses"
          board={boards[1]}
          seen={seen[1]}
          isOver={isOver}
          onType={onType}
        />
      </div>
      <p className="happening">
        <span aria-live="polite">{isOver ? 'That was the day. Both boards had the same jobs.' : words}</span>
        <button type="button" onClick={again} disabled={!isOver}>
          Play again
        </button>
      </p>
    </section>
  )
}

interface OneBoardProps {
  readonly title: string
  readonly note: string
  readonly board: SmallBoard
  readonly seen: Watched
  readonly isOver: boolean
  readonly onType: (from: SmallBoard, edits: readonly TextEdit[]) => void
}

const WORDS: Readonly<Record<Status, string>> = { processing: 'Processing', done: 'Done' }

function OneBoard({ title, note, board, seen, isOver, onType }: OneBoardProps): ReactNode {
  const bind = useCallback(
    (field: HTMLTextAreaElement | null) =>
      field === null ? undefined : board.bind(field, (edits) => onType(board, edits)),
    [board, onType],
  )
  const { status, stepsBack, lost } = seen
  const isHurt = lost.length > 0 || stepsBack > 0
  return (
    <section className={`one-board ${isHurt ? 'hurt' : isOver ? 'whole' : ''}`} aria-label={title}>
      <header>
        <h3>{title}</h3>
        <span className={`state ${status ?? 'none'}`}>{status === undefined ? 'Not indexed' : WORDS[status]}</span>
        <small>{note}</small>
      </header>
      <textarea
        ref={bind}
        rows={4}
        spellCheck={false}
        aria-label={`Text where ${title === 'Joinery' ? 'Joinery merges' : 'the last writer wins'}`}
      />
      <ul>
        <Verdict isBad={lost.length > 0} isSure={isOver || lost.length > 0}>
          {lost.length > 0 ? (
            <>
              Lost: <del>{lost.join(' ')}</del>
            </>
          ) : (
            'Every word is there.'
          )}
        </Verdict>
        <Verdict isBad={stepsBack > 0} isSure={isOver || stepsBack > 0}>
          {stepsBack > 0
            ? `The status went back ${stepsBack === 1 ? 'once' : `${stepsBack} times`}.`
            : 'The status never went back.'}
        </Verdict>
      </ul>
    </section>
  )
}

interface VerdictProps {
  readonly isBad: boolean
  /** Whether it can be said already: before, nothing is shown, and its place stays free. */
  readonly isSure: boolean
  readonly children: ReactNode
}

function Verdict({ isBad, isSure, children }: VerdictProps): ReactNode {
  return (
    <li className={isBad ? 'bad' : 'good'} data-shown={isSure} aria-hidden={!isSure}>
      {isSure ? children : '\u00a0'}
    </li>
  )
}
