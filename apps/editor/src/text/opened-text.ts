import { type Observable, ObservableValue } from '@joinery/client'

/** The text that is open in the large editor. */
export interface OpenedText {
  readonly block: string
  /** Index of the caret in the plain text. */
  readonly caret: number
}

const opened = new ObservableValue<OpenedText | undefined>(undefined)

/** The text in the large editor: one for the page. */
export const openedText: Observable<OpenedText | undefined> = opened

/** Opens a block's text in the large editor; undefined closes it. */
export function openText(next: OpenedText | undefined): void {
  opened.set(next)
}
