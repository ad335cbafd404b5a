import { syntaxTree } from '@codemirror/language'
import { type EditorState, type Extension, type Range, RangeSetBuilder } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
  WidgetType,
} from '@codemirror/view'
import type { SyntaxNodeRef } from '@lezer/common'
import { linkAddress, pictureAddress } from './addresses.ts'

/**
 * Shows Markdown as what it means, in the text that is in view. The marks are hidden, except those that the caret touches, so that a
 * person edits the plain text itself.
 */
export const shownMarkdown: Extension = ViewPlugin.define(
  (view) => {
    const shown = { decorations: decorate(view), update: (update: ViewUpdate) => follow(shown, update) }
    return shown
  },
  { decorations: (shown) => shown.decorations },
)

function follow(shown: { decorations: DecorationSet }, update: ViewUpdate): void {
  const isParsed = syntaxTree(update.startState) !== syntaxTree(update.state)
  if (update.docChanged || update.viewportChanged || update.selectionSet || update.focusChanged || isParsed)
    shown.decorations = decorate(update.view)
}

const hidden = Decoration.replace({})
const LINE_OF: Readonly<Record<string, string>> = {
  ATXHeading1: 'cm-h1',
  ATXHeading2: 'cm-h2',
  ATXHeading3: 'cm-h3',
  ATXHeading4: 'cm-h4',
  ATXHeading5: 'cm-h4',
  ATXHeading6: 'cm-h4',
  SetextHeading1: 'cm-h1',
  SetextHeading2: 'cm-h2',
  Blockquote: 'cm-quote',
  FencedCode: 'cm-code-line',
  CodeBlock: 'cm-code-line',
}
const lines = Object.fromEntries(
  Object.values(LINE_OF).map((name) => [name, Decoration.line({ class: name })] as const),
)
/** Marks that are hidden unless the caret touches the node around them. */
const INLINE_MARKS = new Set(['EmphasisMark', 'StrikethroughMark', 'CodeMark', 'LinkMark', 'URL'])
/** Marks that are hidden unless the caret is on their line. */
const LINE_MARKS = new Set(['HeaderMark', 'QuoteMark'])

function decorate(view: EditorView): DecorationSet {
  const { state } = view
  const found: Range<Decoration>[] = []
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(state).iterate({ from, to, enter: (node) => void found.push(...decorationsOf(state, node)) })
  }
  found.sort((a, b) => a.from - b.from || a.value.startSide - b.value.startSide)
  const builder = new RangeSetBuilder<Decoration>()
  let last: Range<Decoration> | undefined
  for (const range of found) {
    // Visible ranges that meet in a node bring its decorations twice.
    if (last !== undefined && last.from === range.from && last.to === range.to && last.value.eq(range.value)) continue
    builder.add(range.from, range.to, range.value)
    last = range
  }
  return builder.finish()
}

function decorationsOf(state: EditorState, node: SyntaxNodeRef): Range<Decoration>[] {
  const { name, from, to } = node
  const line = lines[LINE_OF[name] ?? '']
  if (line !== undefined) return linesOf(state, from, to).map((at) => line.range(at))
  const parent = node.node.parent
  if (INLINE_MARKS.has(name)) {
    // The address of a link that stands alone is its text.
    if (
      parent === null ||
      !['Emphasis', 'StrongEmphasis', 'Strikethrough', 'InlineCode', 'Link', 'Image'].includes(parent.name)
    )
      return []
    const isPicture = parent.name === 'Image' && pictureOf(state, parent) !== undefined
    return isPicture || isTouched(state, parent.from, parent.to) || from === to ? [] : [hidden.range(from, to)]
  }
  if (LINE_MARKS.has(name)) {
    if (isLineTouched(state, from)) return []
    const space = state.sliceDoc(to, to + 1) === ' ' ? 1 : 0
    return [hidden.range(from, to + space)]
  }
  if (name === 'ListMark') return listMark(state, from, to)
  if (name === 'TaskMarker') {
    if (isTouched(state, from, to)) return []
    const isDone = state.sliceDoc(from + 1, from + 2) !== ' '
    return [Decoration.replace({ widget: new TaskWidget(isDone) }).range(from, to)]
  }
  if (name === 'HorizontalRule' && !isLineTouched(state, from))
    return [Decoration.replace({ widget: new RuleWidget() }).range(from, to)]
  if (name === 'Image' && !isTouched(state, from, to)) {
    const picture = pictureOf(state, node.node)
    if (picture !== undefined)
      return [Decoration.replace({ widget: new PictureWidget(picture.src, picture.alt) }).range(from, to)]
  }
  return []
}

function listMark(state: EditorState, from: number, to: number): Range<Decoration>[] {
  const mark = state.sliceDoc(from, to)
  if (/\d/.test(mark)) return [Decoration.mark({ class: 'cm-list-mark' }).range(from, to)]
  if (isTouched(state, from, to)) return []
  // A task's box stands in the place of its bullet.
  const isTask = /^\s\[[ xX]\]/.test(state.sliceDoc(to, to + 4))
  return isTask ? [hidden.range(from, to + 1)] : [Decoration.replace({ widget: new BulletWidget() }).range(from, to)]
}

/** Starts of the lines from `from` to `to`. */
function linesOf({ doc }: EditorState, from: number, to: number): number[] {
  const starts: number[] = []
  for (let at = from; at <= to; ) {
    const line = doc.lineAt(at)
    starts.push(line.from)
    at = line.to + 1
  }
  return starts
}

const isTouched = ({ selection }: EditorState, from: number, to: number): boolean =>
  selection.ranges.some((range) => range.from <= to && range.to >= from)

function isLineTouched(state: EditorState, at: number): boolean {
  const line = state.doc.lineAt(at)
  return isTouched(state, line.from, line.to)
}

function pictureOf(state: EditorState, node: SyntaxNodeRef['node']): { src: string; alt: string } | undefined {
  const url = node.getChild('URL')
  const src = url === null ? undefined : pictureAddress(state.sliceDoc(url.from, url.to), location.href)
  if (src === undefined) return undefined
  const [open, close] = node.getChildren('LinkMark')
  return { src, alt: state.sliceDoc(open?.to ?? node.from, close?.from ?? node.from) }
}

/** The address of the link at `at`; undefined if there is none that a page may follow. */
export function linkAt(state: EditorState, at: number): string | undefined {
  for (
    let node: SyntaxNodeRef['node'] | null = syntaxTree(state).resolveInner(at, -1);
    node !== null;
    node = node.parent
  ) {
    const url = node.name === 'URL' ? node : node.name === 'Link' ? node.getChild('URL') : null
    if (url !== null) return linkAddress(state.sliceDoc(url.from, url.to), location.href)
  }
  return undefined
}

class BulletWidget extends WidgetType {
  override eq(): boolean {
    return true
  }
  override toDOM(): HTMLElement {
    const bullet = document.createElement('span')
    bullet.className = 'cm-list-mark'
    bullet.textContent = '•'
    return bullet
  }
}

class RuleWidget extends WidgetType {
  override eq(): boolean {
    return true
  }
  override toDOM(): HTMLElement {
    const rule = document.createElement('span')
    rule.className = 'cm-rule'
    return rule
  }
}

class TaskWidget extends WidgetType {
  readonly #isDone: boolean
  constructor(isDone: boolean) {
    super()
    this.#isDone = isDone
  }
  override eq(other: TaskWidget): boolean {
    return other.#isDone === this.#isDone
  }
  override toDOM(view: EditorView): HTMLElement {
    const box = document.createElement('input')
    box.type = 'checkbox'
    box.checked = this.#isDone
    box.disabled = view.state.readOnly
    box.setAttribute('aria-label', 'Done')
    box.addEventListener('mousedown', (event) => event.preventDefault())
    box.addEventListener('click', () => {
      const at = view.posAtDOM(box)
      view.dispatch({ changes: { from: at + 1, to: at + 2, insert: this.#isDone ? ' ' : 'x' } })
    })
    return box
  }
  override ignoreEvent(): boolean {
    return true
  }
}

class PictureWidget extends WidgetType {
  readonly #src: string
  readonly #alt: string
  constructor(src: string, alt: string) {
    super()
    this.#src = src
    this.#alt = alt
  }
  override eq(other: PictureWidget): boolean {
    return other.#src === this.#src && other.#alt === this.#alt
  }
  override toDOM(view: EditorView): HTMLElement {
    const picture = document.createElement('img')
    picture.src = this.#src
    picture.alt = this.#alt
    picture.className = 'cm-picture'
    picture.addEventListener('load', () => view.requestMeasure())
    return picture
  }
}
