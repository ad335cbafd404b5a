import type { TextField } from '@joinery/client'
import { type RefCallback, useMemo } from 'react'
import * as Y from 'yjs'
import { useBlockPart } from './use-block-part.ts'
import { useContentField } from './use-content-field.ts'
import { useWorkspace } from './use-workspace.ts'

export interface ContentView {
  /** The text; '' when there is no such block. */
  readonly value: string
  /** For editors that bind it themselves. Undefined when there is no such block, or a stock client gave it no text yet. */
  readonly yText: Y.Text | undefined
  /** `<textarea ref={fieldRef} />`: shows and edits the text, with the caret kept in place. See {@link useContentField}. */
  readonly fieldRef: RefCallback<TextField>
  /** Turns the text into `next` by the edits that differ. No effect when there is no such block. */
  readonly replace: (next: string) => void
}

/** The text of block `id`. Renders again with every edit of it: who only shows a field takes {@link useContentField}. */
export function useContent(id: string): ContentView {
  const workspace = useWorkspace()
  const value = useBlockPart(id, 'content', (block) => block?.text ?? '')
  const yText = useYText(id)
  const fieldRef = useContentField(id)
  return useMemo(
    () => ({
      value,
      yText,
      fieldRef,
      replace: (next) => workspace.transact(() => workspace.blocks.get(id)?.replaceContent(next)),
    }),
    [value, yText, fieldRef, workspace, id],
  )
}

/** The Y.Text of block `id`, for editors that bind it themselves. Renders again when it is another one, not with edits. */
export function useYText(id: string): Y.Text | undefined {
  return useBlockPart(id, 'content', (block) => {
    const content = block?.map.get('content')
    return content instanceof Y.Text ? content : undefined
  })
}
