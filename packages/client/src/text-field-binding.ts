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

/** A text that is longer than this, characters, takes a browser tens of milliseconds to lay out anew at each edit: measured. */
const LONG_TEXT = 20_000
/** Others' edits of a long text show this late in a field without the focus, ms: all of this time's at once. */
const REST_MS = 250

/**
 * Binds a plain text field to a Y.Text. The field shows the plain string of the text: its embeds and marks stay unseen (B47). A person's typing becomes the smallest edits of the text; others' edits move caret and
 * selection along with the text around them. While an input method composes, others' edits wait for its end: to write into the
 * field would end the composition. In a field without the focus, those of a long text wait for a moment, so that a job that streams
 * into it does not stop the page. `undo` and `redo` replace the field's own undo, which others' edits would confuse. Returns
 * the function that unbinds the field; it may be called twice.
 */
export function bindTextField(field: TextField, options: TextFieldOptions): () => void {
  const { transact } = options
  let text = options.text
  /** The plain string of the text when the field last showed it, and how the field showed it. */
  let agreed = text === undefined ? '' : plainTextOf(text)
  let view = viewOf(agreed, agreed)
  /** Others' edits that wait to be shown, unless `places` has them. */
  let waiting: TextEdit[] = []
  /** Where the characters of `agreed` are in the text now, once a person has typed while others' edits waited. */
  let places: FieldPlaces | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let isComposing = false
  let isTyping = false

  const onInput = (): void => {
    const typed = diffText(view.shown, field.value).map(view.edit)
    if (typed.length === 0) return
    const { length } = agreed
    const behind = placesOfWaiting()
    agreed = applyEdits(agreed, typed)
    view = viewOf(agreed, field.value)
    isTyping = true
    try {
      text ??= observed(options.createText())
      const target = text
      transact(() => (behind === undefined ? writeEdits(target, length, typed) : behind.write(target, typed)))
    } finally {
      isTyping = false
    }
    showWaiting()
  }
  const onText = (event: Y.YTextEvent): void => {
    if (isTyping) return
    const edits = plainEditsOf(event)
    if (edits.length === 0) return
    const isResting = agreed.length > LONG_TEXT && field.ownerDocument.activeElement !== field
    if (!isComposing && !isResting) return show((index) => indexAfter(edits, index))
    if (places === undefined) waiting.push(...edits)
    else places.follow(edits)
    if (isResting) timer ??= setTimeout(showWaiting, REST_MS)
  }
  const placesOfWaiting = (): FieldPlaces | undefined => {
    if (waiting.length === 0) return places
    places = new FieldPlaces(agreed.length)
    places.follow(waiting)
    waiting = []
    return places
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
    clearTimeout(timer)
    timer = undefined
    if (isComposing) return
    const [behind, edits] = [places, waiting]
    places = undefined
    waiting = []
    if (behind !== undefined) show((index) => behind.indexOf(index))
    else if (edits.length > 0) show((index) => indexAfter(edits, index))
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
  field.addEventListener('focus', showWaiting)
  field.addEventListener('input', onInput)
  field.addEventListener('beforeinput', onBeforeInput)
  field.addEventListener('compositionstart', onCompositionStart)
  field.addEventListener('compositionend', onCompositionEnd)
  return () => {
    text?.unobserve(onText)
    text = undefined
    clearTimeout(timer)
    field.removeEventListener('focus', showWaiting)
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
