import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  pickedCompletion,
} from '@codemirror/autocomplete'
import { syntaxTree } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'

/** The choices, each with the text that takes the slash's place. The caret goes to `|`. */
const CHOICES: readonly { readonly name: string; readonly hint: string; readonly text: string }[] = [
  { name: 'Heading 1', hint: '#', text: '# |' },
  { name: 'Heading 2', hint: '##', text: '## |' },
  { name: 'Heading 3', hint: '###', text: '### |' },
  { name: 'Bulleted list', hint: '-', text: '- |' },
  { name: 'Numbered list', hint: '1.', text: '1. |' },
  { name: 'Task', hint: '- [ ]', text: '- [ ] |' },
  { name: 'Quote', hint: '>', text: '> |' },
  { name: 'Code', hint: '```', text: '```\n|\n```' },
  { name: 'Link', hint: '[ ]( )', text: '[|](https://)' },
  { name: 'Line', hint: '---', text: '---\n|' },
]

/** A menu that `/` opens at the start of a line or after a space. Arrow keys and Enter choose, Escape leaves the slash as it is. */
export const slashMenu: Extension = autocompletion({
  override: [slashChoices],
  icons: false,
  // The editor has these keys, without Escape.
  defaultKeymap: false,
  tooltipClass: () => 'slash-menu',
})

const options: readonly Completion[] = CHOICES.map(({ name, hint, text }, at) => ({
  label: `/${name}`,
  displayLabel: name,
  detail: hint,
  // In the order above, where nothing else decides: by name, lists would come before headings.
  boost: -at,
  apply: (view: EditorView, completion: Completion, from: number, to: number) => {
    const caret = from + text.indexOf('|')
    view.dispatch({
      changes: { from, to, insert: text.replace('|', '') },
      selection: { anchor: caret },
      annotations: pickedCompletion.of(completion),
      scrollIntoView: true,
    })
  },
}))

function slashChoices({ state, pos }: CompletionContext): CompletionResult | null {
  const line = state.doc.lineAt(pos)
  const slash = /(?:^|\s)(\/[\p{L}\p{N} ]*)$/u.exec(state.sliceDoc(line.from, pos))
  const words = slash?.[1]
  if (words === undefined || /Code/.test(syntaxTree(state).resolveInner(pos, -1).name)) return null
  return { from: pos - words.length, options, validFor: /^\/[\p{L}\p{N} ]*$/u }
}
