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

/** Inputs that hold no typed text: a slider, a box to tick, a button. */
const TEXTLESS = ['range', 'checkbox', 'radio', 'button', 'submit', 'file', 'color']

/**
 * Whether the browser undoes there what somebody has typed, and nothing of the workspace. A block's text is the workspace's, and so
 * is a title in which nothing was typed.
 */
export function hasOwnUndo(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) {
    return !TEXTLESS.includes(target.type) && !(target.matches('.title') && target.value === target.defaultValue)
  }
  return target instanceof HTMLTextAreaElement && !target.matches('.content > *')
}
