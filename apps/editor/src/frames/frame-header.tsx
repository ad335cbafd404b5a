import { useBlock, useField, useWorkspace } from '@joinery/react'
import type { ReactNode } from 'react'
import { titleOf } from '../block-title.ts'

export interface FrameHeaderProps {
  readonly id: string
  readonly actor: string
  readonly onDelete: (id: string) => void
}

/** Title of a frame, which can be changed, and its button. The blocks in a deleted frame stay. */
export function FrameHeader({ id, actor, onDelete }: FrameHeaderProps): ReactNode {
  const workspace = useWorkspace()
  const block = useBlock(id)
  const title = titleOf(useField(id, 'title'), id)
  const rename = (next: string): void => {
    const text = next.trim()
    if (text === '' || text === title || block === undefined) return
    workspace.transact(() => block.fields.set('title', text, { source: 'user_action', actor }))
  }
  return (
    <header>
      {/* Uncontrolled, as the title of a card is. */}
      <input
        key={title}
        className="title nodrag"
        aria-label={`Title of ${title}`}
        defaultValue={title}
        maxLength={200}
        onBlur={(event) => rename(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur()
        }}
      />
      <button type="button" className="quiet" title="The blocks in it stay" onClick={() => onDelete(id)}>
        Remove frame<span className="hidden"> {title}</span>
      </button>
    </header>
  )
}
