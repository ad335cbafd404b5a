import { applyEdits, diffText } from '@joinery/blocks'
import type * as Y from 'yjs'
import { connectParties } from './parties.ts'
import { FIRST_TEXT, type SmallBoard, type Status, within } from './small-board.ts'

/**
 * A block whose text and status are plain values of a shared Yjs map, as many editors keep them: every writer sets the whole value,
 * and the last one stays.
 */
export function lastWriterBoard(): SmallBoard {
  const { docs, close } = connectParties((doc) => doc.getMap('block').set('text', FIRST_TEXT))
  const block = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('block')
  const textIn = (doc: Y.Doc): string => String(block(doc).get('text') ?? '')
  const mine = block(docs.you)
  const board: SmallBoard = {
    text: () => textIn(docs.you),
    status: () => mine.get('status') as Status | undefined,
    subscribe: (listener) => {
      mine.observe(listener)
      return () => mine.unobserve(listener)
    },
    type: (edits) => {
      for (const edit of edits) {
        const text = board.text()
        mine.set('text', applyEdits(text, [within(text.length, edit)]))
      }
    },
    bind: (field, onType) => {
      const show = (): void => {
        if (field.value !== board.text()) field.value = board.text()
      }
      const onInput = (): void => {
        const edits = diffText(board.text(), field.value)
        mine.set('text', field.value)
        onType(edits)
      }
      show()
      field.addEventListener('input', onInput)
      const unsubscribe = board.subscribe(show)
      return () => {
        field.removeEventListener('input', onInput)
        unsubscribe()
      }
    },
    beginRewrite: (rewrite) => {
      const text = textIn(docs.rewriter)
      return () => block(docs.rewriter).set('text', rewrite(text))
    },
    startIndex: () => mine.set('status', 'processing'),
    report: (by, status) => block(docs[by]).set('status', status),
    close,
  }
  return board
}
