import { openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Pace, readPast } from './past.ts'

const VALUES = 25_000

it('[S371] one large record is read in many parts, and others have their turns between these', async () => {
  const doc = new Y.Doc()
  // Each stands before the last, so that none can be joined with another.
  doc.transact(() => {
    for (let index = 0; index < VALUES; index++) doc.getArray('list').insert(0, [index])
  })
  const log = await openMemoryStore().open('w')
  const update = Y.encodeStateAsUpdate(doc)
  await log.append({ update, actor: 'ada', source: 'user_action', connection: 'c', touched: [] }).durable
  let [parts, pauses] = [0, 0]
  const pace: Pace = {
    part: (work) => {
      parts++
      return work()
    },
    pause: () => Promise.resolve(pauses++),
  }
  const past = await readPast(log, { lsn: 1 }, pace)
  expect(Y.encodeStateAsUpdate(past.doc)).toEqual(update)
  expect(parts).toBeGreaterThan(3)
  expect(pauses).toBeGreaterThan(2)
})
