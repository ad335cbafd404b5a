import { useContentField } from '@joinery/react'
import type { ReactNode } from 'react'
import { Carets } from './carets/caret-layer.tsx'

/** Text field of a block, with the carets of the other people in it. */
export function ContentField({ id, title }: { id: string; title: string }): ReactNode {
  const fieldRef = useContentField(id)
  return (
    <div className="content nodrag">
      <textarea ref={fieldRef} aria-label={`Content of ${title}`} placeholder="Write here" />
      <Carets id={id} />
    </div>
  )
}
