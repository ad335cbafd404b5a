import type { EditorView } from '@codemirror/view'
import { useField, useServer, useWorkspace, useYText } from '@joinery/react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type Author, authorAt } from '../authors/author-runs.ts'
import { AuthorsBar } from '../authors/authors-bar.tsx'
import { useAuthorRuns } from '../authors/use-author-runs.ts'
import { titleOf } from '../block-title.ts'
import { ownCaretIn, ownCaretMoved } from '../carets/own-caret.ts'
import { useRemoteCarets } from '../carets/remote-carets.ts'
import { HOLDS_TEXT } from '../is-text-field.ts'
import { showAuthors } from './author-marks.ts'
import { showCarets } from './editor-carets.ts'
import type { OpenedText } from './opened-text.ts'
import { openTextEditor, setReadOnly } from './text-editor.ts'
import { TextFrame } from './text-frame.tsx'

export interface TextDialogProps {
  readonly opened: OpenedText
}

/** The large editor of a block's text. */
export function TextDialog({ opened }: TextDialogProps): ReactNode {
  return (
    <TextFrame id={opened.block}>
      <Editor opened={opened} />
      <p className="hints">
        <kbd>/</kbd> headings and lists · <kbd>Ctrl B</kbd> bold · <kbd>Ctrl I</kbd> italics · <kbd>Ctrl K</kbd> link ·{' '}
        <kbd>Esc</kbd> closes
      </p>
    </TextFrame>
  )
}

function Editor({ opened: { block: id, caret } }: TextDialogProps): ReactNode {
  const workspace = useWorkspace()
  const text = useTextOf(id)
  const label = `Text of ${titleOf(useField(id, 'title'), id)}`
  const isReadOnly = useServer()?.access === 'read'
  const carets = useRemoteCarets(id)
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<EditorView>(undefined)
  const [showsAuthors, setShowsAuthors] = useState(false)
  const authors = useAuthorRuns(id, text, showsAuthors)
  const [here, setHere] = useState<Author>()
  const caretMoved = useRef((): void => undefined)
  useEffect(() => {
    const runs = authors.state === 'read' ? authors.runs : []
    if (editor.current !== undefined) showAuthors(editor.current, runs)
    caretMoved.current = () => {
      if (editor.current !== undefined && runs.length > 0)
        setHere(authorAt(runs, editor.current.state.selection.main.head))
    }
    caretMoved.current()
  }, [authors])
  const start = useRef({ caret, label, isReadOnly })
  useEffect(() => {
    const element = host.current
    if (element === null || text === undefined) return
    const view = openTextEditor(element, {
      ...start.current,
      text,
      transact: (edit) => workspace.transact(edit),
      undo: () => void workspace.undo.undo(),
      redo: () => void workspace.undo.redo(),
      onCaret: () => {
        ownCaretMoved()
        caretMoved.current()
      },
    })
    editor.current = view
    const end = ownCaretIn(element, {
      block: id,
      text,
      selection: () => view.state.selection.main,
    })
    view.focus()
    return () => {
      // A replaced document brings another text: the caret stays where it was.
      start.current = { ...start.current, caret: view.state.selection.main.head }
      end()
      view.destroy()
      editor.current = undefined
    }
  }, [id, text, workspace])
  useEffect(() => {
    if (editor.current !== undefined && text !== undefined) showCarets(editor.current, text, carets)
  }, [carets, text])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text has another editor
  useEffect(() => {
    if (editor.current !== undefined) setReadOnly(editor.current, isReadOnly)
  }, [isReadOnly, text])
  return (
    <>
      <AuthorsBar authors={authors} here={here} onToggle={() => setShowsAuthors(!showsAuthors)} />
      <div className="editor" ref={host} {...{ [HOLDS_TEXT]: '' }} data-block-text={id} />
    </>
  )
}

/** The text of a block, which is made if the block has none yet. */
function useTextOf(id: string) {
  const workspace = useWorkspace()
  const yText = useYText(id)
  useEffect(() => {
    if (yText === undefined) void workspace.blocks.get(id)?.content
  }, [workspace, id, yText])
  return yText
}
