import { useField } from '@joinery/react'
import type { ReactNode } from 'react'
import { titleOf } from '../block-title.ts'
import { useCanWrite } from '../keys/use-can-write.ts'
import { TitleField } from '../title-field.tsx'

export interface FrameHeaderProps {
  readonly id: string
  readonly actor: string
  readonly onDelete: (id: string) => void
}

/** Title of a frame, which can be changed, and its button. The blocks in a deleted frame stay. */
export function FrameHeader({ id, actor, onDelete }: FrameHeaderProps): ReactNode {
  const title = titleOf(useField(id, 'title'), id)
  const canWrite = useCanWrite()
  return (
    <header>
      <TitleField id={id} title={title} actor={actor} readOnly={!canWrite} />
      {canWrite && (
        <button type="button" className="quiet" title="The blocks in it stay" onClick={() => onDelete(id)}>
          Remove frame<span className="hidden"> {title}</span>
        </button>
      )}
    </header>
  )
}
