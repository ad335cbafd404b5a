import {
  Annotation,
  type ChangeSet,
  type ChangeSpec,
  EditorState,
  type Extension,
  Transaction,
} from '@codemirror/state'
import { EditorView, type PluginValue, ViewPlugin, type ViewUpdate } from '@codemirror/view'
import { diffText, plainEditsOf, plainTextOf, type TextEdit, writeEdits } from '@joinery/blocks'
import * as Y from 'yjs'

export interface TextBindingOptions {
  readonly text: Y.Text
  /** Runs `edit` in one transaction of this person. */
  readonly transact: (edit: () => void) => void
  readonly undo: () => void
  readonly redo: () => void
}

/** Half of a surrogate pair that stands alone within a few characters. Their ends may cut a pair, so that a false alarm is possible. */
const LONE_HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** Marks a change that comes from the document: it is not written back. */
const fromDocument = Annotation.define<boolean>()

/** The value with which an editor begins, for {@link textBinding}. */
export const editorTextOf = (text: Y.Text): string => plainTextOf(text)

/**
 * Keeps a CodeMirror editor and a Y.Text equal, character by character: only what changed is read and written, so that a keystroke
 * costs the same in a long text. The editor shows the plain string: embeds and marks of the text stay unseen. Undo is the
 * workspace's, and the editor has none of its own.
 */
export function textBinding(options: TextBindingOptions): Extension {
  return [
    // A carriage return is a character of the text, and stays one.
    EditorState.lineSeparator.of('\n'),
    ViewPlugin.define((view) => new TextBinding(view, options)),
    EditorView.domEventHandlers({
      beforeinput: ({ inputType }) => {
        if (inputType === 'historyUndo') options.undo()
        else if (inputType === 'historyRedo') options.redo()
        else return false
        return true
      },
    }),
  ]
}

class TextBinding implements PluginValue {
  readonly #view: EditorView
  readonly #options: TextBindingOptions
  #isWriting = false
  #isOver = false

  constructor(view: EditorView, options: TextBindingOptions) {
    this.#view = view
    this.#options = options
    options.text.observe(this.#onText)
  }

  update({ docChanged, transactions, changes }: ViewUpdate): void {
    if (!docChanged) return
    const { text, transact } = this.#options
    this.#isWriting = true
    try {
      for (const transaction of transactions) {
        if (!transaction.docChanged || transaction.annotation(fromDocument) === true) continue
        transact(() => writeEdits(text, transaction.startState.doc.length, editsOf(transaction)))
      }
    } finally {
      this.#isWriting = false
    }
    // An editor takes no other change during this one.
    if (this.#hasHalf(changes)) queueMicrotask(() => this.#mendHalves())
  }

  destroy(): void {
    this.#isOver = true
    this.#options.text.unobserve(this.#onText)
  }

  /** Whether a change has left half of a surrogate pair at one of its ends. */
  #hasHalf(changes: ChangeSet): boolean {
    const { doc } = this.#view.state
    let isFound = false
    changes.iterChangedRanges((_from, _to, from, to) => {
      isFound ||= [from, to].some((at) => LONE_HALF.test(doc.sliceString(Math.max(0, at - 2), at + 2)))
    })
    return isFound
  }

  /** Yjs replaces both halves of a pair that an edit cuts, and tells nobody: the editor reads the text again then. */
  #mendHalves(): void {
    if (this.#isOver) return
    const shown = this.#view.state.doc.sliceString(0, undefined, '\n')
    const edits = diffText(shown, plainTextOf(this.#options.text))
    const changes = edits.map(({ index, remove, insert }) => ({ from: index, to: index + remove, insert }))
    if (changes.length > 0) this.#view.dispatch({ changes, annotations: fromDocument.of(true) })
  }

  readonly #onText = (event: Y.YTextEvent, { origin }: Y.Transaction): void => {
    if (this.#isWriting) return
    const changes = changesOf(plainEditsOf(event))
    if (changes.length === 0) return
    const isUndo = origin instanceof Y.UndoManager
    const last = changes.at(-1)
    const set = this.#view.state.changes(changes)
    this.#view.dispatch({
      changes: set,
      annotations: [fromDocument.of(true), Transaction.addToHistory.of(false), Transaction.remote.of(!isUndo)],
      // A step that is taken back is shown, wherever it was.
      ...(isUndo && last !== undefined && { selection: { anchor: set.mapPos(last.from, 1) }, scrollIntoView: true }),
    })
  }
}

/** The edits of a transaction, as `diffText` gives them: each index counts in the text before the transaction. */
function editsOf({ changes }: Transaction): TextEdit[] {
  const edits: TextEdit[] = []
  changes.iterChanges((from, to, _fromNew, _toNew, inserted) => {
    edits.push({ index: from, remove: to - from, insert: inserted.sliceString(0, inserted.length, '\n') })
  })
  return edits
}

type TextChange = ChangeSpec & { readonly from: number }

/** Converts edits that were made one after the other, from left to right, to changes of the text before all of them. */
export function changesOf(edits: readonly TextEdit[]): TextChange[] {
  let shift = 0
  return edits.map(({ index, remove, insert }) => {
    const from = index + shift
    shift += remove - insert.length
    return { from, to: from + remove, insert }
  })
}
