import { useBlock, useWorkspace } from '@joinery/react'
import type { ReactNode } from 'react'

/** Characters that a title has at most. */
const TITLE_MAX = 200

interface TitleFieldProps {
  readonly id: string
  /** The title as it is shown. */
  readonly title: string
  readonly actor: string
  readonly readOnly?: boolean
}

/** The title of a block, which can be changed in place. An empty one stays as it was. */
export function TitleField({ id, title, actor, readOnly }: TitleFieldProps): ReactNode {
  const workspace = useWorkspace()
  const block = useBlock(id)
  const rename = (next: string): void => {
    const text = next.trim()
    if (text === '' || text === title || block === undefined) return
    workspace.transact(() => block.fields.set('title', text, { source: 'user_action', actor }))
  }
  // Uncontrolled, so that a half-typed title is not written; made anew when the title changes elsewhere.
  return (
    <input
      key={title}
      className="title nodrag"
      aria-label={`Title of ${title}`}
      defaultValue={title}
      maxLength={TITLE_MAX}
      readOnly={readOnly}
      onBlur={(event) => rename(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur()
      }}
    />
  )
}
