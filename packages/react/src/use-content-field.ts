import { bindTextField, followBlock, type TextField, type Workspace } from '@joinery/client'
import { type RefCallback, useCallback } from 'react'
import * as Y from 'yjs'
import { useWorkspace } from './use-workspace.ts'

/**
 * A ref for a `<textarea>` or `<input>` that shows and edits the text of block `id`. The caret keeps its place when others type,
 * and undo is the workspace's. Set neither `value` nor `onChange` on the field. The hook renders nothing by itself. The field is
 * read-only while there is no such block.
 */
export function useContentField(id: string): RefCallback<TextField> {
  const workspace = useWorkspace()
  return useCallback(
    (field: TextField | null) => {
      if (field === null) return
      const isReadOnly = field.readOnly
      let unbind = bind(workspace, id, field)
      let bound = textOf(workspace, id)
      const unfollow = followBlock(workspace, id, 'content', () => {
        const text = textOf(workspace, id)
        if (text === bound && text !== undefined) return
        unbind()
        field.readOnly = isReadOnly
        unbind = bind(workspace, id, field)
        bound = text
      })
      return () => {
        unfollow()
        unbind()
        field.readOnly = isReadOnly
      }
    },
    [workspace, id],
  )
}

function textOf(workspace: Workspace, id: string): Y.Text | undefined {
  const content = workspace.blocks.get(id)?.map.get('content')
  return content instanceof Y.Text ? content : undefined
}

function bind(workspace: Workspace, id: string, field: TextField): () => void {
  const block = workspace.blocks.get(id)
  if (block === undefined) {
    field.value = ''
    field.readOnly = true
    return () => undefined
  }
  return bindTextField(field, {
    text: textOf(workspace, id),
    createText: () => block.content,
    transact: (edit) => workspace.transact(edit),
    undo: () => workspace.undo.undo(),
    redo: () => workspace.undo.redo(),
  })
}
