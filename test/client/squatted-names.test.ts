import 'fake-indexeddb/auto'
import { createBlock, documentRules, getBlock, moveSkeletons } from '@joinery/blocks'
import type { Reset, Workspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { freePort } from '../support/free-port.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { until } from '../support/until.ts'
import { closing, connect, readText, startServer, textOf, whenState } from './fixture.ts'

/** The client ids of the skeletons of a block by this name, as everybody can compute them. */
function skeletonIds(name: string, count: number): number[] {
  const ids: number[] = []
  for (let incarnation = 0; incarnation < count; incarnation++) {
    const doc = new Y.Doc()
    for (const id of ids) {
      const squat = new Y.Doc()
      squat.clientID = id
      squat.getText('t').insert(0, 'x')
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(squat))
    }
    const known = new Set(doc.store.clients.keys())
    createBlock(doc, name, { type: 'text' })
    const own = [...doc.store.clients.keys()].find((id) => id >= 2 ** 52 && !known.has(id))
    if (own === undefined) throw new Error('the block has no skeleton')
    ids.push(own)
  }
  return ids
}

const SQUATS: Record<string, (doc: Y.Doc) => unknown> = {
  'one letter': (doc) => doc.getText('t').insert(0, 'x'),
  'a long text': (doc) => doc.getText('t').insert(0, 'squatted by somebody'),
  'what looks like the block': (doc) =>
    doc.getMap('elsewhere').set(
      'x',
      new Y.Map<unknown>([
        ['id', 'b'],
        ['content', new Y.Text()],
        ['indexingList', new Y.Array()],
        ['fields', new Y.Array()],
        ['data', new Y.Map()],
      ]),
    ),
}

/** Has a stock client write under the client ids of the first skeletons of block `b`. */
async function squat(url: string, write: (doc: Y.Doc) => unknown, count = 1): Promise<void> {
  for (const id of skeletonIds('b', count)) {
    const doc = new Y.Doc()
    doc.clientID = id
    const provider = new WebsocketProvider(url, 'w', doc, { disableBc: true })
    await until('the squatter is synced', () => provider.synced)
    write(doc)
    const watch = connect({ url })
    await until('the server has it', () => watch.doc.store.clients.has(id))
    provider.destroy()
    await watch.close()
  }
}

async function stockTextOf(url: string): Promise<() => string | undefined> {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, 'w', doc, { disableBc: true })
  closing({ close: async () => provider.destroy() })
  await until('the stock client is synced', () => provider.synced)
  return () => {
    const block = doc.getMap<Y.Map<unknown>>('blocks').get('b')
    return block === undefined ? undefined : String(block.get('content'))
  }
}

async function untilNothingIsAside(workspace: Workspace): Promise<void> {
  while ((await workspace.listSetAside()).length > 0) await new Promise((resolve) => setImmediate(resolve))
}

function resetsOf(workspace: Workspace): Reset[] {
  const resets: Reset[] = []
  workspace.onReset((reset) => resets.push(reset))
  return resets
}

describe('a block by a name whose client id another writer has used', () => {
  for (const [kind, write] of Object.entries(SQUATS)) {
    for (const count of [1, 2]) {
      it(`[C121] keeps everything typed offline when ${count} of its ids have ${kind}`, async () => {
        const server = await startServer({ rules: documentRules })
        await squat(server.url, write, count)
        const stock = await stockTextOf(server.url)
        const port = await freePort()
        const ada = connect({ url: `ws://127.0.0.1:${port}` })
        textOf(ada).insert(0, 'typed offline')
        ada.blocks.get('b')?.fields.set('color', 'red', { source: 'user_action', actor: 'ada' })
        const update = Y.encodeStateAsUpdate(ada.doc)
        await ada.close()

        const again = connect(server)
        const resets = resetsOf(again)
        Y.applyUpdate(again.doc, update)
        await again.whenDurable()
        await whenState(again, 'saved')
        expect(readText(again)).toBe('typed offline')
        expect(again.blocks.get('b')?.toJSON()).toMatchObject({ type: 'text', fields: { color: 'red' } })
        expect(resets.map(({ cause }) => cause)).toEqual(['rebuilding'])
        await untilNothingIsAside(again)
        const ben = connect(server)
        await ben.whenSynced
        expect(readText(ben)).toBe('typed offline')
        await until('a stock client sees it', () => stock() === 'typed offline')
        // Typing goes on, and everybody sees it.
        textOf(again).insert(0, 'more, ')
        textOf(ben).insert(textOf(ben).length, ', by Ben')
        await until('all see all', () => stock() === 'more, typed offline, by Ben' && readText(again) === stock())
      })
    }
  }

  it('[C121] two that made it without having seen that keep both texts, and a block by another name stays', async () => {
    const server = await startServer({ rules: documentRules })
    const offline = [new Y.Doc(), new Y.Doc()]
    for (const [at, doc] of offline.entries())
      createBlock(doc, 'b', { type: 'text' }).content.insert(0, `${at} was here. `)
    const cara = connect(server)
    cara.blocks.create('other', { type: 'text' }).content.insert(0, 'stays')
    await cara.whenDurable()
    await squat(server.url, SQUATS['a long text'] ?? (() => undefined))
    const both = offline.map((doc) => {
      const workspace = connect(server)
      Y.applyUpdate(workspace.doc, Y.encodeStateAsUpdate(doc))
      return workspace
    })
    for (const workspace of both) await workspace.whenDurable()
    const whole = (text: string): boolean =>
      text.includes('0 was here. ') && text.includes('1 was here. ') && text.length === 24
    await until('all have both', () => [...both, cara].every((workspace) => whole(readText(workspace))))
    expect(cara.blocks.get('other')?.content.toString()).toBe('stays')
    expect(new Set([...both, cara].map((workspace) => JSON.stringify(workspace.doc.getMap('blocks')))).size).toBe(1)
  })

  it('[C121] two tabs with one local copy go on with one block', async () => {
    const server = await startServer({ rules: documentRules })
    await squat(server.url, SQUATS['one letter'] ?? (() => undefined))
    const gate = Promise.withResolvers<string>()
    const options = { offline: { prefix: 'squatted' }, token: () => gate.promise }
    const first = connect(server, options)
    textOf(first).insert(0, 'typed offline')
    await until('it is kept', () => {
      const status = first.saveStatus.get()
      return status.state === 'offline' && status.isKeptHere
    })
    const second = connect(server, options)
    await second.whenLoaded
    expect(readText(second)).toBe('typed offline')
    gate.resolve('')
    await Promise.all([first.whenDurable(), second.whenDurable()])
    const ben = connect(server)
    await ben.whenSynced
    const all = [first, second, ben]
    await until('all have it', () => all.every((workspace) => readText(workspace) === 'typed offline'))
    textOf(first).insert(0, '1 ')
    textOf(second).insert(0, '2 ')
    textOf(ben).insert(0, '3 ')
    await until('all go on', () =>
      all.every(({ doc }) => readText(ben).length === 19 && JSON.stringify(doc) === JSON.stringify(ben.doc)),
    )
    await untilNothingIsAside(first)
    await first.close()
    await second.close()
    const later = connect(server, options)
    await later.whenSynced
    expect(readText(later)).toBe(readText(ben))
  })

  it('[C121] a keyed edit that makes the block is made once, on the next draft', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = connect(server)
    await ada.whenSynced
    let runs = 0
    await squat(server.url, SQUATS['one letter'] ?? (() => undefined))
    await ada.transactOnce(
      ({ blocks }) => {
        runs++
        blocks.create('b', { type: 'text' }).content.insert(0, 'keyed')
      },
      { idempotencyKey: 'k' },
    )
    expect(readText(ada)).toBe('keyed')
    expect(runs).toBe(1)
  })

  it('[C121] a fork made before gets its text into the block', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = connect(server)
    await ada.whenSynced
    const fork = ada.fork()
    fork.blocks.create('b', { type: 'text' }).content.insert(0, 'by a job')
    await squat(server.url, SQUATS['a long text'] ?? (() => undefined))
    await until('ada has seen it', () => ada.doc.getText('t').length > 0)
    fork.merge()
    await ada.whenDurable()
    expect(readText(ada)).toBe('by a job')
    fork.blocks.get('b')?.content.insert(8, ', and more')
    fork.merge()
    await ada.whenDurable()
    const ben = connect(server)
    await ben.whenSynced
    expect(readText(ben)).toBe('by a job, and more')
  })

  for (const version of STOCK_VERSIONS) {
    it(`[B66, S118] a stock client of version ${version} is closed but not for good, and a new document gets its block`, async () => {
      const server = await startServer({ rules: documentRules })
      await squat(server.url, SQUATS['one letter'] ?? (() => undefined))
      using former = connectStock({ version, url: server.url, workspace: 'w' })
      createBlock(former.doc, 'b', { type: 'text' }).content.insert(0, 'typed offline')
      former.doc.getMap('m').set('beside', 'it')
      const code = await new Promise((resolve) =>
        former.provider.on(
          'connection-close',
          (event: CloseEvent | null) => event?.code !== 1006 && resolve(event?.code),
        ),
      )
      expect(code).toBe(4003)
      former.provider.disconnect()
      using next = connectStock({ version, url: server.url, workspace: 'w' })
      await whenSynced(next)
      Y.applyUpdate(next.doc, moveSkeletons(former.doc, next.doc) ?? Uint8Array.of(0, 0))
      const ben = connect(server)
      await until('all have it', () => readText(ben) === 'typed offline')
      expect(getBlock(next.doc, 'b')?.content.toString()).toBe('typed offline')
      expect(ben.doc.getMap('m').toJSON()).toEqual({ beside: 'it' })
      // Typing goes on, both ways.
      textOf(ben).insert(0, 'more, ')
      await until(
        'the stock client has it',
        () => getBlock(next.doc, 'b')?.content.toString() === 'more, typed offline',
      )
      getBlock(next.doc, 'b')?.content.insert(0, 'and ')
      await until('the SDK has it', () => readText(ben) === 'and more, typed offline')
    })
  }
})
