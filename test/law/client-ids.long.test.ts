import { createBlock, documentRules, getBlock } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { CLOSE, encodeAwareness, encodeAwarenessStates, encodeUpdate, type WorkspaceId } from '@joinery/protocol'
import {
  AnnouncedIds,
  createAuthenticator,
  createServer,
  type KeptTab,
  originOf,
  type Server,
  type ServerLimits,
} from '@joinery/server'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { freePort } from '../support/free-port.ts'
import { RawClient } from '../support/raw-client.ts'
import {
  connectStock,
  STOCK_VERSIONS,
  type StockClient,
  type StockVersion,
  whenSynced,
} from '../support/stock-client.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end()
})

async function serve(
  store = openMemoryStore(),
  limits: Partial<ServerLimits> = {},
  port?: number,
  announced = new AnnouncedIds(),
): Promise<Server> {
  const authenticator = createAuthenticator({ secret: SECRET })
  const server = createServer({
    port: port ?? (await freePort()),
    authenticator,
    rules: documentRules,
    store,
    limits,
    announced,
  })
  open.push(() => server.close())
  await server.listen()
  return server
}

const socketUrl = ({ url }: Server): string => url.replace('http', 'ws')

async function stock(
  server: Server,
  actor: string,
  { doc = new Y.Doc(), version = '3.1', expiresIn }: { doc?: Y.Doc; version?: StockVersion; expiresIn?: number } = {},
): Promise<StockClient> {
  const params = { token: await makeToken({ sub: actor, ...(expiresIn !== undefined && { expiresIn }) }) }
  const client = connectStock({ version, url: socketUrl(server), workspace: 'w', params, doc })
  open.push(() => client[Symbol.dispose]())
  await whenSynced(client)
  return client
}

async function raw(server: Server, actor: string, doc = new Y.Doc()): Promise<RawClient> {
  const query = { token: await makeToken({ sub: actor }) }
  const client = await RawClient.open({ url: socketUrl(server), path: 'w', query, wantsJoinery: true, doc })
  open.push(() => client.close())
  return client
}

function sdk(server: Server, token: () => Promise<string>): Workspace {
  const workspace = connectWorkspace({ url: server.url, workspace: 'w', token })
  open.push(() => workspace.close())
  return workspace
}

const recordsOf = (server: Server) => Array.fromAsync(server.workspaces.records('w' as WorkspaceId))

/** Whether the records of an actor say that their edits may be others', in order. */
async function marksOf(server: Server, actor: string): Promise<boolean[]> {
  return (await recordsOf(server))
    .filter((record) => record.actor === actor)
    .map((record) => originOf(record).mayBeOthers)
}

/** Resolves when a person who is there sees `text`, and one who comes then is given it. */
async function untilTextIs(server: Server, text: string): Promise<void> {
  const observer = await raw(server, 'observer')
  await until(`the text is ${text}`, () => getBlock(observer.doc, 'b')?.content.toString() === text)
  expect(getBlock((await raw(server, 'newcomer')).doc, 'b')?.content.toString()).toBe(text)
}

const content = (doc: Y.Doc) => createBlock(doc, 'b', { type: 'text' }).content

/** Gives each of two documents what the other writes, as y-webrtc does beside a server. */
function joinAsPeers(a: Y.Doc, b: Y.Doc): void {
  const peer = {}
  a.on('update', (update: Uint8Array, origin: unknown) => origin !== peer && Y.applyUpdate(b, update, peer))
  b.on('update', (update: Uint8Array, origin: unknown) => origin !== peer && Y.applyUpdate(a, update, peer))
}

/** Signs a stock client's tab in as somebody else: the document and its client id stay. */
async function signIn({ provider }: StockClient, actor: string): Promise<void> {
  provider.disconnect()
  provider.params = { token: await makeToken({ sub: actor }) }
  provider.connect()
}

/** An update that writes under client ids of somebody else's choice, beside what `seen` has. */
function forgedUnder(ids: readonly number[], seen: Y.Doc): Uint8Array {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(seen))
  for (const id of ids) {
    doc.clientID = id
    doc.getText('elsewhere').insert(0, 'poison!')
  }
  return Y.encodeStateAsUpdate(doc, Y.encodeStateVector(seen))
}

describe('who owns a client id', () => {
  it('[T69, S116, S119] a person whose first words a peer has sent is not kept from writing alone, and the record names no author for certain', async () => {
    const server = await serve()
    const [a, ben] = [new Y.Doc(), await stock(server, 'ben')]
    joinAsPeers(a, ben.doc)
    content(a).insert(0, 'ada')
    await untilTextIs(server, 'ada')
    const ada = await stock(server, 'ada', { doc: a })
    content(a).insert(3, ' alone')
    await untilTextIs(server, 'ada alone')
    // Ben's socket brings these words as well, and stays open.
    content(ben.doc).insert(9, ', and ben')
    await untilTextIs(server, 'ada alone, and ben')
    expect([ada.provider.wsconnected, ben.provider.wsconnected]).toEqual([true, true])
    const ofBen = await marksOf(server, 'ben')
    expect([ofBen[0], ofBen.at(-1)]).toEqual([true, false])
    ben.provider.disconnect()
    content(a).insert(0, 'now ')
    await untilTextIs(server, 'now ada alone, and ben')
    expect(await marksOf(server, 'ada')).not.toContain(true)
  })

  it.each(STOCK_VERSIONS)(
    '[T69, S117, S119] a stock client (%s) signs in as somebody else and back, and goes on writing, also after a restart',
    async (version) => {
      const store = openMemoryStore()
      open.push(() => store.close())
      let server = await serve(store)
      const tab = await stock(server, 'guest', { version })
      content(tab.doc).insert(0, 'guest')
      await untilTextIs(server, 'guest')
      tab.provider.disconnect()
      content(tab.doc).insert(5, ', offline')
      await signIn(tab, 'ada')
      await untilTextIs(server, 'guest, offline')
      content(tab.doc).insert(14, ' and ada')
      await untilTextIs(server, 'guest, offline and ada')
      await signIn(tab, 'guest')
      content(tab.doc).insert(0, 'the ')
      await untilTextIs(server, 'the guest, offline and ada')
      expect(await marksOf(server, 'ada')).not.toContain(false)
      expect(await marksOf(server, 'guest')).toEqual([false, true])
      tab.provider.disconnect()
      // The log tells the next server that both own the id.
      await server.close()
      server = await serve(store)
      const again = await stock(server, 'ada', { version, doc: tab.doc })
      content(tab.doc).insert(0, 'Still ')
      await untilTextIs(server, 'Still the guest, offline and ada')
      expect(again.provider.wsconnected).toBe(true)
    },
  )

  it.each(['in memory', 'as bytes of the log'])(
    '[T69, S117] a stock client signs in as somebody else, writes nothing, meets a restart, and goes on writing: the room was %s',
    async (room) => {
      const store = openMemoryStore()
      open.push(() => store.close())
      let server = await serve(store)
      const port = Number(new URL(server.url).port)
      const tab = await stock(server, 'guest')
      const codes: unknown[] = []
      tab.provider.on('connection-close', (event: { code: number } | null) => codes.push(event?.code))
      const restart = async (): Promise<void> => {
        await server.close()
        await until('the tab has noticed', () => codes.at(-1) === CLOSE.restart)
        codes.push('restarted')
        server = await serve(store, {}, port)
        await until('the tab is back', () => tab.provider.wsconnected)
      }
      content(tab.doc).insert(0, 'guest')
      await untilTextIs(server, 'guest')
      // The next server has no document: it serves bytes until somebody writes.
      if (room !== 'in memory') await restart()
      const records = (await recordsOf(server)).length
      await signIn(tab, 'ada')
      await expect.poll(async () => (await recordsOf(server)).length).toBeGreaterThan(records)
      await restart()
      content(tab.doc).insert(5, ' and ada')
      await untilTextIs(server, 'guest and ada')
      expect(codes).not.toContain(CLOSE.refusedForNow)
      expect(
        (await recordsOf(server)).filter(({ actor }) => actor === 'ada').map(({ update }) => update.length > 2),
      ).toEqual([false, true])
    },
  )

  it('[T69, S117] a stock client signs in as somebody else while the server starts anew, and its edits are saved', async () => {
    const store = openMemoryStore()
    open.push(() => store.close())
    let kept: readonly KeptTab[] = []
    const announced = (): AnnouncedIds =>
      new AnnouncedIds({
        known: kept,
        save: async (tabs) => {
          kept = tabs
        },
      })
    const before = announced()
    const first = await serve(store, {}, undefined, before)
    const tab = await stock(first, 'guest')
    content(tab.doc).insert(0, 'guest')
    await untilTextIs(first, 'guest')
    tab.provider.disconnect()
    content(tab.doc).insert(5, ', offline')
    await first.close()
    await before.close()
    const server = await serve(store, {}, undefined, announced())
    await stock(server, 'ada', { doc: tab.doc })
    await untilTextIs(server, 'guest, offline')
    content(tab.doc).insert(14, ' and ada')
    await untilTextIs(server, 'guest, offline and ada')
    expect(await marksOf(server, 'ada')).not.toContain(false)
  })

  it('[T69, S117] a stock client whose token has expired goes on with a token of somebody else, and its edits are saved', async () => {
    const server = await serve()
    // Servers take a token for 5 s after its end.
    const tab = await stock(server, 'guest', { expiresIn: -1 })
    content(tab.doc).insert(0, 'guest')
    await untilTextIs(server, 'guest')
    const codes: unknown[] = []
    tab.provider.on('connection-close', (event: { code: number } | null) => codes.push(event?.code))
    await until('the token has expired', () => codes.includes(CLOSE.tokenExpired))
    content(tab.doc).insert(5, ', expired')
    tab.provider.params = { token: await makeToken({ sub: 'ada' }) }
    await untilTextIs(server, 'guest, expired')
    content(tab.doc).insert(0, 'the ')
    await untilTextIs(server, 'the guest, expired')
    expect(codes).not.toContain(CLOSE.refusedForNow)
  })

  it('[T69, S117, S118] an id is shared with nobody while its owner is there, nor after an SDK has used it, and its owner goes on', async () => {
    const server = await serve()
    const ada = await stock(server, 'ada')
    content(ada.doc).insert(0, 'ada')
    await untilTextIs(server, 'ada')
    const token = await makeToken({ sub: 'cleo' })
    const cleo = sdk(server, async () => token)
    await cleo.whenSynced
    cleo.blocks.create('c', { type: 'text' })
    await cleo.whenDurable()
    const cleosId = cleo.doc.clientID
    await cleo.close()
    for (const id of [ada.doc.clientID, cleosId]) {
      const thief = new Y.Doc()
      thief.clientID = id
      const client = connectStock({
        version: '2.1',
        url: socketUrl(server),
        workspace: 'w',
        params: { token: await makeToken({ sub: 'mallory' }) },
        doc: thief,
      })
      open.push(() => client[Symbol.dispose]())
      const closed = new Promise<number>((resolve) =>
        client.provider.on('connection-close', (event: CloseEvent | null) => event && resolve(event.code)),
      )
      await whenSynced(client)
      // Yjs gives a document another client id when it learns that somebody else uses its own.
      thief.clientID = id
      thief.getText('elsewhere').insert(0, 'mine now')
      expect(await closed).toBe(CLOSE.refusedForNow)
      client.provider.disconnect()
    }
    content(ada.doc).insert(3, ' goes on')
    await untilTextIs(server, 'ada goes on')
    expect(await marksOf(server, 'mallory')).toEqual([])
  })

  it('[T69, S116] an id that a stock client announced can be filled by nobody else, alone or among others, while it is away', async () => {
    const server = await serve()
    const ben = await raw(server, 'ben')
    content(ben.doc)
    await until('the block is there', () => ben.framesDurable === ben.framesSent)
    const ada = await stock(server, 'ada')
    await until('the block is here', () => getBlock(ada.doc, 'b') !== undefined)
    ada.provider.disconnect()
    content(ada.doc).insert(0, 'offline')
    for (const ids of [[ada.doc.clientID, 7], [7, ada.doc.clientID], [ada.doc.clientID]]) {
      const mallory = await raw(server, 'mallory')
      mallory.sendUpdateFrame(encodeUpdate(forgedUnder(ids, mallory.doc)))
      await until('mallory is answered', () => mallory.rejections.length > 0)
      expect(mallory.rejections[0]?.code).toBe('client_id_owned')
    }
    ada.provider.connect()
    await untilTextIs(server, 'offline')
    expect(ada.provider.wsconnected).toBe(true)
  })

  it('[T69, S116] an id that the SDK named when it connected is held for it, and what it writes later is durable', async () => {
    const server = await serve()
    const token = await makeToken({ sub: 'ada' })
    const ada = sdk(server, async () => token)
    await ada.whenSynced
    const mallory = await raw(server, 'mallory')
    mallory.sendUpdateFrame(encodeUpdate(forgedUnder([ada.doc.clientID, 7], mallory.doc)))
    await until('mallory is answered', () => mallory.rejections.length > 0)
    expect(mallory.rejections[0]?.code).toBe('client_id_owned')
    content(ada.doc).insert(0, 'ada')
    await ada.whenDurable()
    await untilTextIs(server, 'ada')
    expect(await marksOf(server, 'ada')).not.toContain(true)
  })

  it('[T69, S120] who announced an id is told when somebody has written under it after a crash, and keeps the edits', async () => {
    const [first, second] = [await serve(), await serve(openMemoryStore(), { relayWaitMs: 0 })]
    const ada = await stock(first, 'ada')
    ada.provider.disconnect()
    ada.doc.getText('elsewhere').insert(0, 'offline')
    // The second server knows nothing of what was announced to the first one.
    const mallory = await raw(second, 'mallory')
    mallory.sendUpdateFrame(encodeUpdate(forgedUnder([ada.doc.clientID], mallory.doc)))
    await until('it is durable', () => mallory.framesDurable === mallory.framesSent)
    // The poison has as many clocks as ada's words: neither side's state vector tells that they differ.
    const returning = connectStock({
      version: '3.1',
      url: socketUrl(second),
      workspace: 'w',
      params: { token: await makeToken({ sub: 'ada' }) },
      doc: ada.doc,
    })
    open.push(() => returning[Symbol.dispose]())
    const code = await new Promise<number>((resolve) =>
      returning.provider.on('connection-close', (event: CloseEvent | null) => event && resolve(event.code)),
    )
    expect(code).toBe(CLOSE.refusedForNow)
    expect(ada.doc.getText('elsewhere').toString()).toBe('offline')
  })

  it('[T69, B64] nobody frees an id by bringing others: the owner goes on, also after a snapshot', async () => {
    const server = await serve()
    const ada = await stock(server, 'ada')
    content(ada.doc).insert(0, 'ada')
    await untilTextIs(server, 'ada')
    const mallory = await raw(server, 'mallory')
    const crowd = (from: number) =>
      forgedUnder(
        Array.from({ length: 400 }, (_, at) => from + at),
        new Y.Doc(),
      )
    for (let round = 1; round <= 5; round++) mallory.sendUpdateFrame(encodeUpdate(crowd(round * 1_000)))
    await until('it is durable', () => mallory.framesDurable === mallory.framesSent)
    mallory.sendUpdateFrame(encodeUpdate(forgedUnder([ada.doc.clientID], mallory.doc)))
    await until('mallory is answered', () => mallory.rejections.length > 0)
    expect(mallory.rejections[0]?.code).toBe('client_id_owned')
    content(ada.doc).insert(3, ' goes on')
    await untilTextIs(server, 'ada goes on')
  })

  it('[T69, S116] a wrong client id in the query is refused with the reason, and a presence frame of several states announces none', async () => {
    const server = await serve()
    const token = await makeToken({ sub: 'ada' })
    for (const client of ['', '-1', '1e3', '9007199254740992', 'x']) {
      const options = { url: socketUrl(server), path: 'w', query: { token, client } }
      expect(await new RawClient(options).ended).toMatchObject({ kind: 'http', status: 400 })
      const ending = await new RawClient({ ...options, wantsJoinery: true }).ended
      expect(ending).toMatchObject({ kind: 'close', code: CLOSE.badFrame, reason: expect.stringContaining('2^53') })
    }
    const proxy = await raw(server, 'ada')
    const states = [1, 2].map((clientId) => ({ clientId, clock: 1, json: '{}' }))
    proxy.socket.send(encodeAwareness(encodeAwarenessStates(states)))
    const other = await raw(server, 'ben')
    other.sendUpdateFrame(encodeUpdate(forgedUnder([1], other.doc)))
    await until('it is durable', () => other.framesDurable === other.framesSent)
    expect(other.rejections).toEqual([])
  })
})
