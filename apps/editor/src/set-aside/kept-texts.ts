import { type Block, forkDoc, listBlocks } from '@joinery/blocks'
import type { SetAsideCopy } from '@joinery/client'
import * as Y from 'yjs'
import { titleOf } from '../block-title.ts'

/** A block whose text in a copy that was set aside is not the present one. */
export interface KeptText {
  readonly id: string
  readonly title: string
  readonly type: string
  readonly kept: string
  /** The present text; undefined if there is no such block any more. */
  readonly now: string | undefined
}

/**
 * The texts of a copy that was set aside, where they differ from the present ones. `update` is the copy's content: refused edits
 * build on the present document, any other copy is whole. Returns undefined if refused edits build on something that is gone.
 */
export function keptTexts(cause: SetAsideCopy['cause'], update: Uint8Array, present: Y.Doc): KeptText[] | undefined {
  const doc = cause === 'rejected' ? forkDoc(present) : new Y.Doc()
  Y.applyUpdate(doc, update)
  if (doc.store.pendingStructs !== null) return undefined
  const now = new Map(listBlocks(present).map((block) => [block.id, block]))
  return listBlocks(doc).flatMap((block) => {
    const text = now.get(block.id)?.text
    const isNews = text === undefined ? block.text !== '' : block.text !== text
    return isNews ? [{ ...about(block), kept: block.text, now: text }] : []
  })
}

function about(block: Block): Pick<KeptText, 'id' | 'title' | 'type'> {
  return { id: block.id, title: titleOf(block.fields.get('title'), block.id), type: block.type }
}
