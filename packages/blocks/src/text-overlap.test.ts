import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { forkDoc } from './fork.ts'
import { type TextOverlap, textOverlaps } from './text-overlap.ts'
import { createBlock, getBlock } from './workspace-blocks.ts'

/** The overlaps when a person and a job, who both begin with `text`, edit at the same time. */
function overlaps(text: string, person: (text: Y.Text) => void, job: (text: Y.Text) => void): TextOverlap[] {
  const doc = new Y.Doc()
  createBlock(doc, 'b', { type: 'text' }).content.insert(0, text)
  const fork = forkDoc(doc)
  const base = Y.decodeStateVector(Y.encodeStateVector(fork))
  const edits: Uint8Array[] = []
  fork.on('update', (update: Uint8Array) => edits.push(update))
  const contentOf = (of: Y.Doc): Y.Text => getBlock(of, 'b')?.content as Y.Text
  doc.transact(() => person(contentOf(doc)))
  fork.transact(() => job(contentOf(fork)))
  return textOverlaps(doc, Y.mergeUpdates(edits), base)
}

describe('text that a job and a person edit at once', () => {
  it('[B42] an overlap is told when a person typed inside what the job rewrote', () => {
    const found = overlaps(
      'the old sentence',
      (text) => text.insert(7, ' and dear'),
      (text) => {
        text.insert(4, 'new')
        text.delete(7, 3)
      },
    )
    expect(found).toEqual([{ block: 'b', typed: ' and dear', written: 'new' }])
  })

  it('[B42] an overlap is told when both inserted at one place', () => {
    const found = overlaps(
      'ab',
      (text) => text.insert(1, 'person'),
      (text) => text.insert(1, 'job'),
    )
    expect(found).toEqual([{ block: 'b', typed: 'person', written: 'job' }])
  })

  it('[B42] an overlap is told when a person deleted what the job wrote beside', () => {
    const found = overlaps(
      'keep this. drop that.',
      (text) => text.delete(10, 11),
      (text) => text.insert(21, ' More of that.'),
    )
    expect(found).toEqual([{ block: 'b', typed: '', written: ' More of that.' }])
  })

  it('[B42] nothing is told when they edit different places', () => {
    const found = overlaps(
      'first line\nsecond line',
      (text) => text.insert(5, ' person’s'),
      (text) => {
        text.delete(11, 6)
        text.insert(11, 'job’s')
      },
    )
    expect(found).toEqual([])
  })
})
