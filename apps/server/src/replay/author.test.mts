import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { Author } from './author.mts'
import { Delivery, holds, type SentTransaction } from './delivery.mts'
import type { Patch } from './trace.mts'

const textOf = (doc: Y.Doc): Y.Text => doc.getText('text')
const never = new AbortController().signal

/** Two authors whose documents exchange updates only when the test says so. */
function pair() {
  const sentByAuthor: SentTransaction[][] = [[], []]
  const docs = [new Y.Doc(), new Y.Doc()] as const
  const authors = docs.map(
    (connected, author) => new Author({ author, sentByAuthor, connected, clientId: 10 + author, textOf }),
  )
  const perform = (author: 0 | 1, seen: number[], ...patches: Patch[]): Promise<void> =>
    authors[author]?.perform({ index: 0, seen, patches }, never) ?? expect.fail('no such author')
  const deliver = (from: 0 | 1, to: 0 | 1): void => Y.applyUpdate(docs[to], Y.encodeStateAsUpdate(docs[from]))
  return { docs, perform, deliver, sentByAuthor }
}

/** Whether a promise has settled once everything that was ready to run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('Author', () => {
  it('[A15] waits until what its step had seen is delivered', async () => {
    const { docs, perform, deliver } = pair()
    await perform(0, [0, 0], [0, 0, 'abc'])
    const step = perform(1, [1, 0], [3, 0, 'd'])
    expect(await isSettled(step)).toBe(false)
    deliver(0, 1)
    await step
    expect(textOf(docs[1]).toString()).toBe('abcd')
  })

  it('[A15] writes on exactly the text its step had seen although more has been delivered', async () => {
    const { docs, perform, deliver } = pair()
    await perform(0, [0, 0], [0, 0, 'abc'])
    await perform(0, [1, 0], [0, 0, 'START '])
    deliver(0, 1)
    // The patch is for position 1 of `abc`, not of `START abc`.
    await perform(1, [1, 0], [1, 1, 'B'])
    expect(textOf(docs[1]).toString()).toBe('START aBc')
    deliver(1, 0)
    expect(textOf(docs[0]).toString()).toBe('START aBc')
  })

  it('[A15] waits for deletions too, which no state vector shows', async () => {
    const { docs, perform, deliver, sentByAuthor } = pair()
    await perform(0, [0, 0], [0, 0, 'abcdef'])
    deliver(0, 1)
    await perform(0, [1, 0], [1, 4, ''])
    expect(Y.encodeStateVector(docs[0])).toEqual(Y.encodeStateVector(docs[1]))
    const [, deletion] = sentByAuthor[0] ?? []
    expect(deletion && [holds(docs[0], deletion), holds(docs[1], deletion)]).toEqual([true, false])
    const step = perform(1, [2, 0], [1, 0, '-'])
    expect(await isSettled(step)).toBe(false)
    deliver(0, 1)
    await step
    expect(textOf(docs[1]).toString()).toBe('a-f')
  })

  it('[A15] counts a transaction that changes nothing', async () => {
    const { perform, sentByAuthor } = pair()
    await perform(0, [0, 0])
    await perform(0, [1, 0], [0, 0, 'a'])
    expect(sentByAuthor[0]?.map(({ update }) => update === undefined)).toEqual([true, false])
  })

  it('[A15] stops waiting with the signal’s reason when it is told to', async () => {
    const stop = new AbortController()
    const sent: SentTransaction = { update: undefined, clientId: 1, endClock: 1, deleted: [] }
    const waiting = new Delivery(new Y.Doc(), [[sent]]).until([1], stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
