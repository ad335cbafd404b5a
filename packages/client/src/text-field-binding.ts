import { applyEdits, diffText, plainEditsOf, plainTextOf, type TextEdit, writeEdits } from '@joinery/blocks'
import type * as Y from 'yjs'
import { FieldPlaces } from './field-places.ts'
import { viewOf } from './field-view.ts'

export type TextField = HTMLTextAreaElement | HTMLInputElement

export interface TextFieldOptions {
  /** The text to show and edit; undefined if the block has none yet. */
  readonly text: Y.Text | undefined
  /** Creates the text when a person types into a block that has none. */
  readonly createText: () => Y.Text
  /** Runs `edit` in one transaction of this person. */
  readonly transact: (edit: () => void) => void
  readonly undo: () => void
  readonly redo: () => void
}

/**
 * Binds a plain text field to a Y.Text. The field shows the plain string of the text: its embeds and marks stay unseen (B47). A person's typing becomes the smallest edits of the text; others' edits move caret and
 * selection along with the text around them. While an input method composes, others' edits wait for its end: to write into the
 * field would end the composition. `undo` and `redo` replace the field's own undo, which others' edits would confuse. Returns
 * the function that unbinds the field; it may be called twice.
 */
export function bindTextField(field: TextField, options: TextFieldOptions): () => void {
  const { transact } = options
  let text = options.text
  /** The plain string of the text when the field last showed it, and how the field showed it. */
  let agreed = text === undefined ? '' : plainTextOf(text)
  let view = viewOf(agreed, agreed)
  /** While others' edits wait to be shown: where the characters of `agreed` are in the text now. */
  let places: FieldPlaces | undefined
  let isComposing = false
  let isTyping = false

  const onInput = (): void => {
    const typed = diffText(view.shown, field.value).map(view.edit)
    if (typed.length === 0) return
    const { length } = agreed
    agreed = applyEdits(agreed, typed)
    view = viewOf(agreed, field.value)
    isTyping = true
    try {
      text ??= observed(options.createText())
      const target = text
      transact(() => (places === undefined ? writeEdits(target, length, typed) : places.write(target, typed)))
    } finally {
      isTyping = false
    }
    if (!isComposing) showWaiting()
  }
  const onText = (event: Y.YTextEvent): void => {
    if (isTyping) return
    const edits = plainEditsOf(event)
    if (edits.length === 0) return
    if (!isComposing) return show((index) => indexAfter(edits, index))
    places ??= new FieldPlaces(agreed.length)
    places.follow(edits)
  }
  const observed = (target: Y.Text): Y.Text => {
    target.observe(onText)
    return target
  }
  const fill = (value: string): void => {
    agreed = value
    field.value = value
    view = viewOf(value, field.value)
  }
  /** Shows the text. `moved` maps an index of the old text to the new one, for the selection. */
  const show = (moved: (index: number) => number): void => {
    const { selectionStart, selectionEnd, selectionDirection } = field
    const { toText } = view
    fill(text === undefined ? '' : plainTextOf(text))
    // Some browsers move the focus when a selection is set. A field without focus has no caret to keep.
    if (field.ownerDocument.activeElement !== field || selectionStart === null || selectionEnd === null) return
    const [start, end] = [selectionStart, selectionEnd].map((index) => view.toShown(moved(toText(index))))
    field.setSelectionRange(start ?? null, end ?? null, selectionDirection ?? 'none')
  }
  const showWaiting = (): void => {
    const waited = places
    places = undefined
    if (waited !== undefined) show((index) => waited.indexOf(index))
  }
  const onCompositionStart = (): void => {
    isComposing = true
  }
  const onCompositionEnd = (): void => {
    isComposing = false
    onInput()
    showWaiting()
  }
  const onBeforeInput = (event: Event): void => {
    const { inputType } = event as InputEvent
    if (inputType !== 'historyUndo' && inputType !== 'historyRedo') return
    event.preventDefault()
    if (inputType === 'historyUndo') options.undo()
    else options.redo()
  }

  fill(agreed)
  if (text !== undefined) observed(text)
  field.addEventListener('input', onInput)
  field.addEventListener('beforeinput', onBeforeInput)
  field.addEventListener('compositionstart', onCompositionStart)
  field.addEventListener('compositionend', onCompositionEnd)
  return () => {
    text?.unobserve(onText)
    text = undefined
    field.removeEventListener('input', onInput)
    field.removeEventListener('beforeinput', onBeforeInput)
    field.removeEventListener('compositionstart', onCompositionStart)
    field.removeEventListener('compositionend', onCompositionEnd)
  }
}

/** Moves `index` along with edits that were made one after the other. Text that is inserted right at it comes after it. */
export function indexAfter(edits: readonly TextEdit[], index: number): number {
  let moved = index
  for (const edit of edits) {
    if (edit.index >= moved) continue
    moved += edit.insert.length - Math.min(edit.remove, moved - edit.index)
  }
  return moved
}
