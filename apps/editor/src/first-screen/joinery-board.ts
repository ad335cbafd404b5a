import {
  type Block,
  createBlock,
  diffText,
  forkDoc,
  getBlock,
  type IndexingRun,
  mergeFork,
  observeBlocks,
} from '@joinery/blocks'
import { bindTextField } from '@joinery/client'
import type * as Y from 'yjs'
import { connectParties } from './parties.ts'
import { FIRST_TEXT, type SmallBoard, type Status, within } from './small-board.ts'

const ID = 'note'
const INDEX = 'search'

/** A block of Joinery: its text merges letter by letter, a job works on a fork, and a status is what the order of claims says. */
export function joineryBoard(): SmallBoard {
  const { docs, close } = connectParties((doc) => {
    createBlock(doc, ID, { type: 'text' }).content.insert(0, FIRST_TEXT)
  })
  const blockIn = (doc: Y.Doc): Block => getBlock(doc, ID) as Block
  const mine = blockIn(docs.you)
  let run: IndexingRun | undefined
  const type: SmallBoard['type'] = (edits) => {
    const { content } = mine
    for (const edit of edits) {
      const { index, remove, insert } = within(content.length, edit)
      docs.you.transact(() => {
        content.delete(index, remove)
        content.insert(index, insert)
      })
    }
  }
  return {
    text: () => mine.text,
    status: () => mine.indexingList.get(INDEX)?.status as Status | undefined,
    subscribe: (listener) => observeBlocks(docs.you, listener),
    type,
    bind: (field, onType) => {
      const none = (): void => undefined
      return bindTextField(field, {
        text: mine.content,
        createText: () => mine.content,
        transact: (edit) => {
          const before = mine.text
          docs.you.transact(edit)
          onType(diffText(before, mine.text))
        },
        undo: none,
        redo: none,
      })
    },
    beginRewrite: (rewrite) => {
      const fork = forkDoc(docs.rewriter)
      const block = blockIn(fork)
      block.replaceContent(rewrite(block.text))
      return () => mergeFork(docs.rewriter, fork)
    },
    startIndex: () => {
      run = mine.indexingList.startRun(INDEX, { source: 'user_action', actor: 'you' })
    },
    report: (by, status) => {
      if (run === undefined) return
      const source = by === 'indexer' ? 'workflow_execution' : 'polling_sync'
      blockIn(docs[by]).indexingList.report(INDEX, run, status, { source, actor: by })
    },
    close,
  }
}
