import type { TextField } from '@joinery/client'
import { type RefCallback, useMemo } from 'react'
import * as Y from 'yjs'
import { useBlockPart } from './use-block-part.ts'
import { useContentField } from './use-content-field.ts'
import { useWorkspace } from './use-workspace.ts'

export interface ContentView {
  /** The text; '' if there is no such block. */
  readonly value: string
  /** The Y.Text, for an editor with its own binding. Undefined if there is no such block, or a stock client gave it no text yet. */
  readonly yText: Y.Text | undefined
  /** A ref that binds a field to the text: `<textarea ref={fieldRef} />`. See {@link useContentField}. */
  readonly fieldRef: RefCallback<TextField>
  /** Turns the text into `next` by the smallest edits. No effect if there is no such block. */
  readonly replace: (next: string) => void
}

/** The text of block `id`. Renders again with every edit of it. A component that only shows a field uses {@link useContentField}. */
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

/** The Y.Text of block `id`, for an editor with its own binding. Renders again when it is another object, not with edits. */
export function useYText(id: string): Y.Text | undefined {
  return useBlockPart(id, 'content', (block) => {
    const content = block?.map.get('content')
    return content instanceof Y.Text ? content : undefined
  })
}
