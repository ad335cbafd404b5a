import { openBlock, openPlace } from '../panels/open-block.ts'
import { blockOf, readView, VIEW_FIELD } from './shown-view.ts'

/** Brings the block into view that a person writes in, or else what they look at, without taking the focus from where it is. */
export function goTo(state: Readonly<Record<string, unknown>>): void {
  const block = blockOf(state)
  if (block !== undefined && openBlock(block, { keepsFocus: true })) return
  const view = readView(state[VIEW_FIELD])
  if (view !== undefined) openPlace(view)
}
