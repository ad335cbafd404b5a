import type * as Y from 'yjs'
import { openTextEditor } from '../../../apps/editor/src/text/text-editor.ts'

/** The large editor on plain state: the build puts `plain-binding.ts` in the place of the binding. */
const { text, label } = (globalThis as unknown as { plainText: { text: string; label: string } }).plainText
const host = document.getElementById('editor')
if (host === null) throw new Error('the page has no place for the editor')
openTextEditor(host, {
  text: text as unknown as Y.Text,
  label,
  caret: 0,
  isReadOnly: false,
  transact: (edit) => edit(),
  undo: () => undefined,
  redo: () => undefined,
  onCaret: () => undefined,
})
