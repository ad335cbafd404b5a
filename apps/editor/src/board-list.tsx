import { useField, useObservable, useWorkspace } from '@joinery/react'
import { placedBlocksOf } from '@joinery/react-flow'
import type { ReactNode } from 'react'
import { BlockCard } from './block-card.tsx'
import { titleOf } from './block-title.ts'
import type { CardSetting } from './canvas/card-context.ts'
import { FrameHeader } from './frames/frame-header.tsx'
import { type ListRow, rowsOf } from './frames/framed-list.ts'
import './frames/frames.css'

/** The board as a list of cards, in the order of the blocks. A frame is a group of its cards. */
export function BoardList(setting: CardSetting): ReactNode {
  const blocks = useObservable(placedBlocksOf(useWorkspace()))
  return rowsOf(blocks).map(({ id, members }) =>
    members === undefined ? (
      <BlockCard key={id} id={id} view="list" {...setting} />
    ) : (
      <FrameRow key={id} id={id} members={members} setting={setting} />
    ),
  )
}

interface FrameRowProps {
  readonly id: string
  readonly members: NonNullable<ListRow['members']>
  readonly setting: CardSetting
}

function FrameRow({ id, members, setting }: FrameRowProps): ReactNode {
  const title = titleOf(useField(id, 'title'), id)
  return (
    <section className="frame" aria-label={title} data-block={id}>
      <FrameHeader id={id} actor={setting.actor} onDelete={setting.onDelete} />
      {members.length === 0 && <p>No block stands in this frame.</p>}
      <div className="board">
        {members.map((member) => (
          <BlockCard key={member} id={member} view="list" {...setting} />
        ))}
      </div>
    </section>
  )
}
