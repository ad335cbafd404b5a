/** Marks the host of an editor whose text field is in a shadow tree, where events of the page do not see it. */
export const HOLDS_TEXT = 'data-holds-text'

/** Whether a press there is for a text, a button or a picture, and moves no block. */
export function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, button, a, img, progress') !== null
}

/** Whether keys and the clipboard belong to what somebody edits there. */
export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target.matches(`input, textarea, select, [${HOLDS_TEXT}]`)
}
