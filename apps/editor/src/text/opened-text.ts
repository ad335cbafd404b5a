import type { Observable } from '@joinery/client'

/** The text that is open in the large editor. */
export interface OpenedText {
  readonly block: string
  /** Index of the caret in the plain text. */
  readonly caret: number
}

let opened: OpenedText | undefined
const listeners = new Set<() => void>()

/** The text in the large editor: one for the page. */
export const openedText: Observable<OpenedText | undefined> = {
  get: () => opened,
  subscribe: (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** Opens a block's text in the large editor; undefined closes it. */
export function openText(next: OpenedText | undefined): void {
  opened = next
  for (const listener of [...listeners]) listener()
}
