import { encodeJoinery, encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { KnownComparison } from '../content/known-comparison.ts'
import { createAuthenticator, signToken } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import { offlineLists } from '../testing/offline-lists.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

/** Each list is heavy, and is written under a client id of its own. The structs of the greater one come first in an update of both. */
const [unknown, known] = offlineLists(150) as [Uint8Array, Uint8Array]
const mixed = Y.mergeUpdates([known, unknown])
/** Each turn is over at once. */
const HEAVY = { trialStructs: 100, trialTurnMs: 0 }

let fixture: ServerFixture
afterEach(async () => {
  vi.restoreAllMocks()
  await fixture.close()
})

const SECRET = 'a secret of at least thirty-two bytes'
async function pathOf(access: 'read' | 'write', query = '&joinery=1'): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  const token = await signToken(SECRET, { sub: access, workspaces: ['w'], access, sources: ['user_action'], exp })
  return `w?token=${token}${query}`
}

/** A server whose workspace has one heavy update. Resolves with its writer, and a count of the turns of comparisons from now on. */
async function begin(limits: Partial<ServerLimits> = {}): Promise<{ writer: RawClient; turns: () => number }> {
  fixture = await ServerFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    limits: { ...HEAVY, ...limits },
  })
  const writer = await fixture.client(await pathOf('write')).synced()
  // Neither half is heavy, so that no trial is needed.
  const [half] = offlineLists(75, [2, 1]) as [Uint8Array]
  writer.send(encodeUpdate(half))
  writer.send(encodeUpdate(Y.diffUpdate(known, Y.encodeStateVectorFromUpdate(half))))
  await isDurable(writer)
  const compared = vi.spyOn(KnownComparison.prototype, 'compare')
  return { writer, turns: () => compared.mock.calls.length }
}
const isDurable = async (client: RawClient): Promise<void> => {
  await client.until(() => client.closed !== undefined || client.message('durable')?.frames === client.sentUpdates)
  expect(client.closed).toBeUndefined()
}

describe('[S412] a heavy update', () => {
  it('that is known is compared in turns and acknowledged without a trial, and what its sender sends after it is taken', async () => {
    const { writer, turns } = await begin()
    const { records } = fixture.server.counters
    const later = new Y.Doc()
    later.getText('t').insert(0, 'later')
    writer.inOneGo(encodeUpdate(known), encodeUpdate(Y.encodeStateAsUpdate(later)))
    await isDurable(writer)
    expect(turns()).toBeGreaterThan(10)
    expect(fixture.server.counters).toMatchObject({ trials: 0, records: records + 1 })
  })

  it('with something new behind what is known is tried and taken', async () => {
    const { writer, turns } = await begin()
    writer.send(encodeUpdate(mixed))
    await isDurable(writer)
    expect(turns()).toBeGreaterThan(2)
    expect(fixture.server.counters.trials).toBe(1)
  })

  it('over its limit is taken when it is known, and refused without a trial when it is not', async () => {
    const { writer, turns } = await begin({ updateBytesMax: known.length - 1 })
    writer.send(encodeUpdate(known))
    await isDurable(writer)
    const before = turns()
    writer.send(encodeUpdate(mixed))
    await writer.until(() => writer.message('rejected') !== undefined)
    expect(writer.message('rejected')).toMatchObject({ code: 'too_large', frame: writer.sentUpdates })
    expect(before).toBeGreaterThan(10)
    expect(turns() - before).toBeGreaterThan(2)
    expect(fixture.server.counters.trials).toBe(0)
  })

  it('under a key, or of a program, is compared in turns, and is an empty record under its key and none without', async () => {
    const { writer, turns } = await begin()
    const { counters, workspaces } = fixture.server
    const { records } = counters
    writer.ws.send(encodeJoinery({ type: 'keyed', key: 'k', update: known }))
    await writer.until(() => writer.message('keyedResult') !== undefined)
    expect(writer.message('keyedResult')).toMatchObject({ outcome: 'applied' })
    expect(turns()).toBeGreaterThan(10)
    const before = turns()
    const ada = { actor: 'write', source: 'user_action', sources: undefined, isAuthenticated: true }
    const bring = (update: Uint8Array) => workspaces.bring(W, { writer: ada, payer: 'write', via: 'http', update })
    expect(await bring(known)).toMatchObject({ repeated: false, record: undefined })
    expect(turns() - before).toBeGreaterThan(10)
    expect(counters).toMatchObject({ trials: 0, records: records + 1 })
    expect(await bring(mixed)).toMatchObject({ repeated: false, record: { actor: 'write' } })
    expect(counters.trials).toBe(1)
  })

  it.each(['&joinery=1', ''])('of a reader (%s) is compared in turns, too, and never tried', async (query) => {
    const { turns } = await begin()
    const reader = await fixture.client(await pathOf('read', query)).synced()
    reader.send(encodeUpdate(known))
    await expect.poll(turns).toBeGreaterThan(10)
    if (query !== '') await isDurable(reader)
    const before = turns()
    reader.send(encodeUpdate(mixed))
    if (query === '') await expect.poll(() => fixture.server.counters.readersEdits).toBe(1)
    else await reader.until(() => reader.message('rejected') !== undefined)
    expect(turns() - before).toBeGreaterThan(2)
    expect(reader.closed).toBeUndefined()
    expect(fixture.server.counters.trials).toBe(0)
  })
})
