import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  addComment,
  type Block,
  COMMENT_LIMITS,
  commentThreads,
  createBlock,
  forkDoc,
  getBlock,
  removeComment,
  reopenThread,
  resolveThread,
  undoScope,
} from './index.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

const texts = (block: Block): string[][] =>
  commentThreads(block).map(({ comments }) => comments.map(({ text }) => text))
const there = (doc: Y.Doc): Block => getBlock(doc, 'b1') ?? expect.fail('no block')

test('[B114] comments and answers are fields with their authors, sorted by time, and bad ones are refused', () => {
  const { block } = docWithBlock()
  expect(commentThreads(block)).toEqual([])
  const thread = addComment(block, { text: 'Is this right?', mentions: ['bob'] }, { ...USER, at: 10 })
  addComment(block, { text: 'Another thing', thread: 'second' }, { ...WORKFLOW, at: 5 })
  addComment(block, { text: 'It is.', thread }, { ...POLLER, at: 20 })
  expect(texts(block)).toEqual([['Another thing'], ['Is this right?', 'It is.']])
  expect(commentThreads(block)[1]?.comments[0]).toMatchObject({ ...USER, at: 10, mentions: ['bob'] })
  for (const text of [' ', 'x'.repeat(COMMENT_LIMITS.textLengthMax + 1)]) {
    expect(() => addComment(block, { text }, USER)).toThrow(
      expect.objectContaining({ code: 'bad_argument', field: 'text' }),
    )
  }
  expect(() => addComment(block, { text: 'a', mentions: Array(21).fill('x') }, USER)).toThrow(/mentions/)
})

test('[B114] the list stays the same object until a comment changes, and values of another shape are left out', () => {
  const { block } = docWithBlock()
  const thread = addComment(block, { text: 'one' }, USER)
  const before = commentThreads(block)
  block.fields.set('title', 'Plan', USER)
  expect(commentThreads(block)).toBe(before)
  for (const value of [7, null, [], { text: 3 }, { text: '' }, 'text']) {
    block.fields.set('comment/other/x', value, USER)
    expect(texts(block)).toEqual([['one']])
  }
  for (const key of ['comment/', 'comment//', 'comment/a/', 'comment/a/b/c']) {
    block.fields.set(key, { text: 'odd' }, USER)
    expect(texts(block)).toEqual([['one']])
  }
  block.fields.set(`comment/${thread}`, { seen: 'all' }, USER)
  expect(commentThreads(block)[0]?.resolved).toBeUndefined()
})

test('[B115] a thread is resolved and opened again, also by an answer that has not seen the resolution', () => {
  const { doc, block } = docWithBlock()
  const thread = addComment(block, { text: 'one' }, USER)
  expect(resolveThread(block, 'none', USER)).toBe(false)
  const other = forkDoc(doc)
  expect(resolveThread(block, thread, { ...USER, at: 7 })).toBe(true)
  expect(commentThreads(block)[0]?.resolved).toEqual({ actor: 'ada', at: 7 })
  expect([reopenThread(block, thread), reopenThread(block, thread)]).toEqual([true, false])
  expect(commentThreads(block)[0]?.resolved).toBeUndefined()
  resolveThread(block, thread, USER)
  addComment(there(other), { text: 'unseen', thread }, WORKFLOW)
  syncAll(doc, other)
  expect(commentThreads(block)[0]).toMatchObject({ comments: { length: 2 }, resolved: undefined })
  expect(commentThreads(there(other))).toEqual(commentThreads(block))
})

test('[B114] undo takes back a comment, and nothing that others wrote', () => {
  const { doc, block } = docWithBlock()
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, options)
  const thread = addComment(block, { text: 'mine' }, USER)
  doc.transact(() => addComment(block, { text: 'theirs', thread }, WORKFLOW), 'remote')
  undo.undo()
  expect(texts(block)).toEqual([['theirs']])
  undo.redo()
  expect(texts(block).flat().sort()).toEqual(['mine', 'theirs'])
})

type Step = {
  readonly at: number
  readonly act: 'add' | 'answer' | 'remove' | 'resolve' | 'sync'
  readonly pick: number
}
const steps = fc.array(
  fc.record<Step>({
    at: fc.nat(2),
    act: fc.constantFrom('add', 'answer', 'answer', 'remove', 'resolve', 'sync'),
    pick: fc.nat(20),
  }),
  { maxLength: 30 },
)

test('[B114, B115] whatever three replicas write, none loses a comment, and none hides one that a resolution has not seen', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const first = new Y.Doc()
      createBlock(first, 'b1', { type: 'text' })
      const docs = [first, forkDoc(first), forkDoc(first)]
      const written = new Map<string, string>()
      const removed = new Set<string>()
      const unseen = new Set<string>()
      for (const [n, { at, act, pick }] of history.entries()) {
        const doc = docs[at] ?? first
        const block = there(doc)
        const threads = commentThreads(block)
        const thread = threads[pick % Math.max(1, threads.length)]
        if (act === 'sync') syncAll(doc, docs[pick % 3] ?? first)
        else if (act === 'add' || (act === 'answer' && thread !== undefined)) {
          const text = `text ${n}`
          written.set(text, addComment(block, { text, ...(act === 'answer' && { thread: thread?.id ?? '' }) }, USER))
          unseen.add(text)
        } else if (thread !== undefined && act === 'remove') {
          const comment = thread.comments[pick % thread.comments.length]
          if (comment !== undefined && removeComment(block, thread.id, comment.id)) removed.add(comment.text)
        } else if (thread !== undefined && act === 'resolve') {
          resolveThread(block, thread.id, WORKFLOW)
          for (const { text } of thread.comments) unseen.delete(text)
        }
      }
      syncAll(...docs)
      const shown = commentThreads(there(first))
      for (const doc of docs) expect(commentThreads(there(doc))).toEqual(shown)
      const kept = [...written.keys()].filter((text) => !removed.has(text))
      expect(texts(there(first)).flat().sort()).toEqual(kept.sort())
      for (const { comments, resolved } of shown) {
        if (resolved !== undefined) expect(comments.filter(({ text }) => unseen.has(text))).toEqual([])
      }
    }),
    { numRuns: 60 },
  )
})
