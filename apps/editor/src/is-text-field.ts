/** Marks the host of an editor whose text field is in a shadow tree, where events of the page do not see it. */
export const HOLDS_TEXT = 'data-holds-text'

/** Whether keys and the clipboard belong to what somebody edits there. */
export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target.matches(`input, textarea, select, [${HOLDS_TEXT}]`)
}
