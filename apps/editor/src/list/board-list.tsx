import { useField, useObservable, useWorkspace } from '@joinery/react'
import { placedBlocksOf } from '@joinery/react-flow'
import { type ReactNode, useMemo } from 'react'
import { titleOf } from '../block-title.ts'
import type { CardSetting } from '../canvas/card-context.ts'
import { FrameHeader } from '../frames/frame-header.tsx'
import { type ListRow, rowsOf } from '../frames/framed-list.ts'
import { ListCard } from './list-card.tsx'
import '../frames/frames.css'

/** The board as a list of cards, in the order of the blocks. A frame is a group of its cards. */
export function BoardList({ actor, workspaceName, onMove, onDelete }: CardSetting): ReactNode {
  const setting = useMemo(() => ({ actor, workspaceName, onMove, onDelete }), [actor, workspaceName, onMove, onDelete])
  const blocks = useObservable(placedBlocksOf(useWorkspace()))
  return rowsOf(blocks).map(({ id, members }, at) =>
    members === undefined ? (
      <ListCard key={id} id={id} at={at} setting={setting} />
    ) : (
      <FrameRow key={id} id={id} at={at} members={members} setting={setting} />
    ),
  )
}

interface FrameRowProps {
  readonly id: string
  /** Place in the list, from 0. */
  readonly at: number
  readonly members: NonNullable<ListRow['members']>
  readonly setting: CardSetting
}

function FrameRow({ id, at, members, setting }: FrameRowProps): ReactNode {
  const title = titleOf(useField(id, 'title'), id)
  return (
    <section className="frame" aria-label={title} data-block={id}>
      <FrameHeader id={id} actor={setting.actor} onDelete={setting.onDelete} />
      {members.length === 0 && <p>No block stands in this frame.</p>}
      <div className="board">
        {members.map((member, n) => (
          <ListCard key={member} id={member} at={at + n} setting={setting} />
        ))}
      </div>
    </section>
  )
}
