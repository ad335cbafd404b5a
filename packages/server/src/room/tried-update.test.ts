import { encodeJoinery, encodeUpdate } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type Refusal, UNRULED, type Writer } from '../content/document-rules.ts'
import { offlineLists } from '../testing/offline-lists.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const rules = {
  open: () => ({
    ...UNRULED,
    inspect: (update: Uint8Array, { isTried }: Writer): Refusal | undefined =>
      update.length > 1_000 && !isTried
        ? { code: 'too_costly', reason: 'too much by estimate', isEstimate: true }
        : undefined,
  }),
}

let fixture: ServerFixture
afterEach(() => fixture.close())

const [first, second] = offlineLists(300) as [Uint8Array, Uint8Array]

it('[S242, S244] updates that are heavy by estimate are taken when a trial shows that they fit, on every way', async () => {
  fixture = await ServerFixture.start({ rules })
  const ada = await fixture.client('w?joinery=1').synced()
  ada.send(encodeUpdate(first))
  ada.send(encodeJoinery({ type: 'keyed', key: 'k', update: second }))
  await ada.until(() => ada.message('keyedResult') !== undefined)
  expect(ada.message('keyedResult')).toMatchObject({ outcome: 'applied', lsn: fixture.server.counters.records })
  await ada.until(() => ada.message('durable')?.frames === ada.sentUpdates)
  const [third] = offlineLists(300, [3, 4]) as [Uint8Array]
  const writer = { actor: 'bob', source: 'user_action', sources: undefined, isAuthenticated: false }
  const brought = await fixture.server.workspaces.bring(W, { writer, via: 'http', update: third })
  expect(brought).toMatchObject({ lsn: fixture.server.counters.records })
  expect(fixture.server.counters).toMatchObject({ trials: 3, trialsRefused: 0 })
  expect(fixture.server.counters.refused).toEqual(new Map())
  await ada.until(() => ada.doc.getArray('list').length === 600)
})

it('[S244] a large first upload of a program is taken as one record', async () => {
  fixture = await ServerFixture.start()
  const writer = { actor: 'bob', source: 'user_action', sources: undefined, isAuthenticated: false }
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'x'.repeat(24 * 1024 * 1024))
  const update = Y.encodeStateAsUpdate(doc)
  expect(await fixture.server.workspaces.bring(W, { writer, via: 'http', update })).toMatchObject({ lsn: 1 })
  expect(fixture.server.counters).toMatchObject({ trials: 1, trialsRefused: 0 })
})
