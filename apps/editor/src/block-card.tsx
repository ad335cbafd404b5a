import { useBlockType, useField } from '@joinery/react'
import { type FocusEvent, type KeyboardEvent, memo, type PointerEvent, type ReactNode } from 'react'
import { BlockAuthors } from './authors/block-authors.tsx'
import { BlockEdges } from './block-edges.tsx'
import { titleOf } from './block-title.ts'
import type { BoardView } from './board-view.ts'
import { CommentButton } from './comments/index.tsx'
import { ContentField } from './content-field.tsx'
import { BlockSearch } from './demonstration/index.tsx'
import { AttachFile, BlockFiles } from './files/index.tsx'
import { IndexingChips } from './indexing-chips.tsx'
import { isControl } from './is-text-field.ts'
import { useCanWrite } from './keys/use-can-write.ts'
import { useCardDrag } from './order/use-card-drag.ts'
import { RunningMarks } from './running/running-marks.tsx'
import { StatusChips } from './status-chips.tsx'
import { TitleField } from './title-field.tsx'

interface BlockCardProps {
  readonly id: string
  readonly view: BoardView
  readonly actor: string
  readonly workspaceName: string
  /** Moves a block by a number of steps, or to the place of another block. */
  readonly onMove: (id: string, by: number | string) => void
  readonly onDelete: (id: string) => void
}

/** Steps of a move by key; Control (or Command) and Shift must be held. */
const MOVES: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 }

/** Card of one block: its title, text, indexes and edges. */
export const BlockCard = memo(function BlockCard(props: BlockCardProps): ReactNode {
  const { id, view, actor, workspaceName, onMove, onDelete } = props
  const type = useBlockType(id)
  const canWrite = useCanWrite()
  const title = titleOf(useField(id, 'title'), id)
  const cardOnKeyDown = (event: KeyboardEvent): void => {
    const steps = MOVES[event.key]
    if (steps === undefined || !(event.ctrlKey || event.metaKey) || !event.shiftKey) return
    event.preventDefault()
    onMove(id, steps)
  }
  const drag = useCardDrag(id, canWrite, (dragged) => onMove(dragged, id))
  return (
    <section
      className={drag.isTarget ? 'card target nokey' : 'card nokey'}
      aria-label={title}
      data-block={id}
      onKeyDown={cardOnKeyDown}
      onFocus={holdWheel}
      onBlur={freeWheel}
      {...(view === 'list' ? drag.card : { onPointerDownCapture: holdNode })}
    >
      <div className="sheet">
        <header>
          <span className={`kind ${type ?? ''}`}>{type === 'vector_collection' ? 'Vector collection' : 'Text'}</span>
          {canWrite && <MoveButton title={title} way="up" onClick={() => onMove(id, -1)} />}
          {canWrite && <MoveButton title={title} way="down" onClick={() => onMove(id, 1)} />}
          <TitleField id={id} title={title} actor={actor} readOnly={!canWrite} />
          <CommentButton id={id} title={title} canWrite={canWrite} />
          {canWrite && (
            <button type="button" className="quiet" onClick={() => onDelete(id)}>
              Delete<span className="hidden"> {title}</span>
            </button>
          )}
        </header>
        <RunningMarks id={id} />
        <ContentField id={id} title={title} />
        <BlockAuthors id={id} />
        <BlockFiles id={id} />
        <div className="foot">
          <IndexingChips id={id} actor={actor} />
          <StatusChips id={id} />
          <AttachFile id={id} title={title} />
          <BlockEdges id={id} title={title} />
        </div>
        <BlockSearch name={workspaceName} block={id} />
      </div>
    </section>
  )
})

/** A wheel pans the canvas, also over a card. Only in the card that one works in does it scroll the text. */
const holdWheel = ({ currentTarget }: FocusEvent<HTMLElement>): void => currentTarget.classList.add('nowheel')
const freeWheel = ({ currentTarget }: FocusEvent<HTMLElement>): void => currentTarget.classList.remove('nowheel')

/** A press on a control or a text does not drag its node. */
const holdNode = ({ target, currentTarget }: PointerEvent<HTMLElement>): void =>
  void currentTarget.classList.toggle('nodrag', isControl(target))

function MoveButton({ title, way, onClick }: { title: string; way: 'up' | 'down'; onClick: () => void }): ReactNode {
  const key = way === 'up' ? 'ArrowUp' : 'ArrowDown'
  return (
    <button
      type="button"
      className="quiet step"
      aria-label={`Move ${title} ${way}`}
      aria-keyshortcuts={`Control+Shift+${key} Meta+Shift+${key}`}
      title={`Move ${way} (Ctrl+Shift+${way === 'up' ? '↑' : '↓'})`}
      onClick={onClick}
    >
      {way === 'up' ? '↑' : '↓'}
    </button>
  )
}
