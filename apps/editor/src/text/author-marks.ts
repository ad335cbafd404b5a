import { type Extension, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view'
import type { Author, Run } from '../authors/author-runs.ts'
import { authorWords, isByPerson } from '../authors/author-words.ts'

const setAuthors = StateEffect.define<DecorationSet>()

const authorField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (marks, transaction) => {
    const set = transaction.effects.find((effect) => effect.is(setAuthors))
    return set === undefined ? marks.map(transaction.changes) : set.value
  },
  provide: (field) => EditorView.decorations.from(field),
})

/** Marks passages by the kind of their author. {@link showAuthors} tells them. Only lines in view are drawn. */
export const authorMarks: Extension = authorField

/** Shows who wrote which passage; none for no marks. */
export function showAuthors(view: EditorView, runs: readonly Run<Author | undefined>[]): void {
  const { length } = view.state.doc
  const marks = runs.flatMap(({ from, to, by }) => {
    const end = Math.min(to, length)
    if (by === undefined || from >= end) return []
    const name = isByPerson(by) ? 'cm-by-person' : 'cm-by-job'
    return Decoration.mark({ class: name, attributes: { title: authorWords(by) } }).range(from, end)
  })
  view.dispatch({ effects: setAuthors.of(Decoration.set(marks)) })
}
