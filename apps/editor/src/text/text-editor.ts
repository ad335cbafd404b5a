import { closeCompletion, completionKeymap, completionStatus } from '@codemirror/autocomplete'
import { defaultKeymap, indentLess, indentMore } from '@codemirror/commands'
import { deleteMarkupBackward, insertNewlineContinueMarkup, markdownLanguage } from '@codemirror/lang-markdown'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { type ChangeSpec, Compartment, EditorSelection, EditorState, type StateCommand } from '@codemirror/state'
import { drawSelection, EditorView, type KeyBinding, keymap, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { authorMarks } from './author-marks.ts'
import { editorCarets } from './editor-carets.ts'
import { editorTheme } from './editor-theme.ts'
import { linkAt, shownMarkdown } from './shown-markdown.ts'
import { slashMenu } from './slash-menu.ts'
import { editorTextOf, type TextBindingOptions, textBinding } from './text-binding.ts'

export interface TextEditorOptions extends TextBindingOptions {
  /** Name for screen readers. */
  readonly label: string
  /** Index of the caret at the start. */
  readonly caret: number
  readonly isReadOnly: boolean
  readonly onCaret: () => void
}

const readOnly = new Compartment()

/**
 * Opens an editor of a block's text inside `host`. It lives in a shadow tree, because the page's Content-Security-Policy allows no
 * style element, and a shadow tree takes its styles as objects.
 */
export function openTextEditor(host: HTMLElement, options: TextEditorOptions): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open', delegatesFocus: true })
  const text = editorTextOf(options.text)
  return new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      selection: { anchor: Math.min(options.caret, text.length) },
      extensions: [
        textBinding(options),
        markdownLanguage,
        syntaxHighlighting(highlights),
        shownMarkdown,
        slashMenu,
        editorCarets,
        authorMarks,
        editorTheme,
        EditorView.lineWrapping,
        drawSelection(),
        placeholder('Write here, or type / for headings and lists'),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'true' }),
        EditorView.perLineTextDirection.of(true),
        readOnly.of(readOnlyParts(options.isReadOnly)),
        keymap.of([...keys, ...completionKeymap.filter(({ key }) => key !== 'Escape'), ...defaultKeymap]),
        EditorView.domEventHandlers({ click: followLink, beforeinput: typeOverSelection }),
        EditorView.updateListener.of(({ selectionSet, docChanged, focusChanged }) => {
          if (selectionSet || docChanged || focusChanged) options.onCaret()
        }),
      ],
    }),
  })
}

/** Makes an editor one that a person may only read in, or one to write in again. */
export function setReadOnly(view: EditorView, isReadOnly: boolean): void {
  view.dispatch({ effects: readOnly.reconfigure(readOnlyParts(isReadOnly)) })
}

const readOnlyParts = (isReadOnly: boolean) => [
  EditorState.readOnly.of(isReadOnly),
  EditorView.contentAttributes.of({ 'aria-readonly': String(isReadOnly) }),
]

const highlights = HighlightStyle.define([
  { tag: tags.strong, fontWeight: '650' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: tags.monospace, class: 'cm-code' },
  { tag: tags.link, class: 'cm-link' },
  { tag: tags.url, class: 'cm-link' },
  { tag: tags.processingInstruction, class: 'cm-mark' },
])

/**
 * Replaces the selection by what is typed. The browser would copy the looks of the replaced text into a style attribute, which the
 * page's Content-Security-Policy refuses.
 */
function typeOverSelection({ inputType, data, isComposing }: InputEvent, view: EditorView): boolean {
  const { state } = view
  if (inputType !== 'insertText' || data === null || isComposing || state.readOnly || state.selection.main.empty)
    return false
  view.dispatch(state.update(state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true }))
  return true
}

function followLink(event: MouseEvent, view: EditorView): boolean {
  if (!(event.ctrlKey || event.metaKey)) return false
  const at = view.posAtCoords({ x: event.clientX, y: event.clientY })
  return at !== null && open(linkAt(view.state, at))
}

function open(address: string | undefined): boolean {
  if (address === undefined) return false
  window.open(address, '_blank', 'noopener,noreferrer')
  return true
}

/** Puts marks around each selection, or takes them away. */
function wrap(mark: string): StateCommand {
  return ({ state, dispatch }) => {
    if (state.readOnly) return false
    const { length } = mark
    const change = state.changeByRange((range) => {
      const { from, to } = range
      const isWrapped =
        state.sliceDoc(from - length, from) === mark && state.sliceDoc(to, to + length) === mark && from >= length
      const changes: ChangeSpec[] = isWrapped
        ? [
            { from: from - length, to: from },
            { from: to, to: to + length },
          ]
        : [
            { from, insert: mark },
            { from: to, insert: mark },
          ]
      const by = isWrapped ? -length : length
      return { changes, range: EditorSelection.range(range.anchor + by, range.head + by) }
    })
    dispatch(state.update(change, { userEvent: 'input', scrollIntoView: true }))
    return true
  }
}

/** Makes the selection the words of a link, with the caret where its address goes. */
const link: StateCommand = ({ state, dispatch }) => {
  if (state.readOnly) return false
  const { from, to } = state.selection.main
  const words = state.sliceDoc(from, to)
  const caret = words === '' ? from + 1 : to + 3
  const change = { from, to, insert: `[${words}](https://)` }
  dispatch(state.update({ changes: change, selection: { anchor: caret }, userEvent: 'input' }))
  return true
}

const keys: readonly KeyBinding[] = [
  { key: 'Mod-b', run: wrap('**'), preventDefault: true },
  { key: 'Mod-i', run: wrap('*'), preventDefault: true },
  { key: 'Mod-e', run: wrap('`'), preventDefault: true },
  { key: 'Mod-k', run: link, preventDefault: true },
  { key: 'Alt-Enter', run: (view) => open(linkAt(view.state, view.state.selection.main.head)) },
  { key: 'Enter', run: insertNewlineContinueMarkup },
  { key: 'Backspace', run: deleteMarkupBackward },
  // Not Tab: a keyboard must be able to leave the text.
  { key: 'Mod-]', run: indentMore },
  { key: 'Mod-[', run: indentLess },
  // The dialog closes at Escape, but with a menu open only the menu does. One that is still looked for is none.
  { key: 'Escape', run: (view) => completionStatus(view.state) === 'active' && closeCompletion(view) },
]
