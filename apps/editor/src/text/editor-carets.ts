import { type Extension, type Range, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view'
import type * as Y from 'yjs'
import { type RemoteCaret, selectionIn } from '../carets/caret.ts'
import { hueClass } from './editor-theme.ts'

/** Tells the editor where the carets of others are now. */
const setCarets = StateEffect.define<DecorationSet>()

const caretField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (carets, transaction) => {
    const set = transaction.effects.find((effect) => effect.is(setCarets))
    // Between two reports of presence a caret stays before its character, as a relative position does.
    return set === undefined ? carets.map(transaction.changes) : set.value
  },
  provide: (field) => EditorView.decorations.from(field),
})

/** Draws the carets and selections of others, with their names. {@link showCarets} tells them. */
export const editorCarets: Extension = caretField

/** Shows `carets` at their present places in `text`, which the editor shows. */
export function showCarets(view: EditorView, text: Y.Text, carets: readonly RemoteCaret[]): void {
  const { length } = view.state.doc
  const marks = carets.flatMap((remote): Range<Decoration>[] => {
    const selection = selectionIn(text, remote.caret)
    if (selection === undefined) return []
    const { person, clientId } = remote
    const [anchor, head] = [Math.min(selection.anchor, length), Math.min(selection.head, length)]
    const style = `--hue: ${person.hue}`
    const caret = Decoration.widget({ widget: new CaretWidget(clientId, person.name, style), side: 1 }).range(head)
    if (anchor === head) return [caret]
    // A class in place of a style, which the page's Content-Security-Policy does not let into the markup.
    const selected = Decoration.mark({ class: `cm-others-selection ${hueClass(person.hue)}` })
    return [caret, selected.range(Math.min(anchor, head), Math.max(anchor, head))]
  })
  view.dispatch({ effects: setCarets.of(Decoration.set(marks, true)) })
}

class CaretWidget extends WidgetType {
  readonly #clientId: number
  readonly #name: string
  readonly #style: string

  constructor(clientId: number, name: string, style: string) {
    super()
    this.#clientId = clientId
    this.#name = name
    this.#style = style
  }

  override eq(other: CaretWidget): boolean {
    return other.#clientId === this.#clientId && other.#name === this.#name && other.#style === this.#style
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement('span')
    caret.className = 'cm-others-caret'
    caret.dataset.caret = this.#name
    caret.style.cssText = this.#style
    caret.setAttribute('aria-hidden', 'true')
    const name = caret.appendChild(document.createElement('span'))
    name.className = 'cm-others-name'
    name.textContent = this.#name
    return caret
  }

  override ignoreEvent(): boolean {
    return true
  }
}
