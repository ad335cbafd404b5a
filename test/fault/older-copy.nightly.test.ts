import 'fake-indexeddb/auto'
import { cp, rename, rm } from 'node:fs/promises'
import { connectWorkspace, type Reset } from '@joinery/client'
import { CLOSE } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readLog } from '../crash/read-log.ts'
import { freePort } from '../support/free-port.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { connectStock, STOCK_VERSIONS, whenSynced } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const entriesOf = ({ doc }: { doc: Y.Doc }) => doc.getArray<string>('entries')

/** A server whose data directory can be set back to what it was at {@link keepCopy}, behind one address. */
async function timeMachine(env?: Record<string, string>) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await tempDirectory()).path
  const [directory, copy] = [`${home}/data`, `${home}/copy`]
  const port = await freePort()
  const start = () => startJoinery({ directory, port, durability: 'sync', ...(env && { env }) })
  let joinery: JoineryProcess = await start()
  stack.defer(async () => void (await joinery.child.end('SIGKILL')))
  const owned = stack.move()
  return {
    directory,
    url: joinery.url,
    async keepCopy() {
      expect(await joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
      await cp(directory, copy, { recursive: true })
      joinery = await start()
    },
    async restart() {
      expect(await joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
      joinery = await start()
    },
    async stop() {
      expect(await joinery.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
    },
    async setBack() {
      await joinery.child.end('SIGKILL')
      await rm(directory, { recursive: true })
      await rename(copy, directory)
      joinery = await start()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** An SDK client, closed with its owner; what is set aside from it is kept in `resets`. */
function sdk(url: string, actor: string, offline: false | { prefix: string } = false) {
  const client = connectWorkspace({ url, workspace: 'w', actor, offline })
  const resets: Reset[] = []
  client.onReset((reset) => resets.push(reset))
  return { client, resets, [Symbol.asyncDispose]: () => client.close() }
}

const holds = (one: { doc: Y.Doc }, count: number) => () => entriesOf(one).length >= count

async function expectNewcomerHolds(url: string, entries: readonly string[], token?: string): Promise<void> {
  const newcomer = await RawClient.open({ url, path: 'w', ...(token && { query: { token } }) })
  expect(entriesOf(newcomer).toArray()).toEqual(entries)
  await newcomer.close()
}

const lastEntries = (update: Uint8Array): string[] => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return entriesOf({ doc }).toArray()
}

describe.concurrent('a data directory that was set back to an older copy', () => {
  it('[T47] SDK and stock clients bring back what the copy lacks, once, and go on', async () => {
    await using server = await timeMachine()
    await using ada = sdk(server.url, 'ada')
    const status = () => ada.client.saveStatus.get().state
    using ben = connectStock({ version: '2.1', url: server.url, workspace: 'w' })
    using eve = connectStock({ version: '3.1', url: server.url, workspace: 'w' })
    await Promise.all([ada.client.whenSynced, whenSynced(ben), whenSynced(eve)])
    entriesOf(ada.client).push(['before'])
    await ada.client.whenDurable()
    await server.keepCopy()
    for (const [name, one] of Object.entries({ ada: ada.client, ben, eve })) {
      entriesOf(one).push([`${name} after`])
    }
    await ada.client.whenDurable()
    const everybody = [ada.client, ben, eve]
    await until('all hold four', () => everybody.every((one) => holds(one, 4)()))

    // Told saved once: it must be said again only when it is true again.
    const states: string[] = []
    ada.client.saveStatus.subscribe(() => states.push(status()))
    await server.setBack()
    await until('ada was away and is back', () => states.some((state) => state !== 'saved') && status() === 'saved')
    await until('ben and eve are back', () => ben.provider.wsconnected && eve.provider.wsconnected)
    for (const [name, one] of Object.entries({ ada: ada.client, ben, eve })) entriesOf(one).push([`${name} again`])
    await ada.client.whenDurable()
    await until('all hold seven', () => everybody.every((one) => holds(one, 7)()))
    const entries = entriesOf(ada.client).toArray()
    expect([...entries].sort()).toEqual(
      ['before', ...['ada', 'ben', 'eve'].flatMap((name) => [`${name} after`, `${name} again`])].sort(),
    )
    for (const one of [ben, eve]) expect(entriesOf(one).toArray()).toEqual(entries)
    await expectNewcomerHolds(server.url, entries)
    expect(ada.resets).toEqual([])
    await server.stop()
    expect((await readLog(server.directory)).get('w')).toEqual(entries)
  })

  it('[T47] a copy in the browser brings back what the server lacks when its tab was closed in between', async () => {
    await using server = await timeMachine()
    const offline = { prefix: 'older-copy-1' }
    {
      await using ada = sdk(server.url, 'ada', offline)
      entriesOf(ada.client).push(['before'])
      await ada.client.whenDurable()
      await server.keepCopy()
      entriesOf(ada.client).push(['after'])
      await ada.client.whenDurable()
    }
    await server.setBack()
    await expectNewcomerHolds(server.url, ['before'])
    await using later = sdk(server.url, 'ada', offline)
    await later.client.whenDurable()
    await expectNewcomerHolds(server.url, ['before', 'after'])
    expect(later.resets).toEqual([])
  })

  it('[T47] of a workspace younger than the copy SDK clients set theirs aside, whole, and nothing is doubled', async () => {
    await using server = await timeMachine()
    await server.keepCopy()
    await using ada = sdk(server.url, 'ada', { prefix: 'older-copy-2' })
    entriesOf(ada.client).push(['young'])
    await ada.client.whenDurable()
    await server.setBack()
    await until('ada was told', () => ada.resets.length > 0)
    expect(ada.resets.map(({ cause, update }) => [cause, lastEntries(update)])).toEqual([
      ['generation_changed', ['young']],
    ])
    const [aside] = await ada.client.listSetAside()
    expect(lastEntries((await ada.client.readSetAside(aside?.id ?? '')) ?? new Uint8Array())).toEqual(['young'])
    await ada.client.whenSynced
    expect(entriesOf(ada.client).toArray()).toEqual([])
    // A person may decide to bring the set-aside edits again.
    Y.applyUpdate(ada.client.doc, ada.resets[0]?.update ?? new Uint8Array())
    await ada.client.whenDurable()
    await expectNewcomerHolds(server.url, ['young'])
  })

  it.each(STOCK_VERSIONS)(
    '[T47] of a workspace younger than the copy stock clients %s bring theirs, once',
    async (version) => {
      await using server = await timeMachine()
      await server.keepCopy()
      using ada = connectStock({ version, url: server.url, workspace: 'w' })
      using ben = connectStock({ version, url: server.url, workspace: 'w' })
      await Promise.all([whenSynced(ada), whenSynced(ben)])
      entriesOf(ada).push(['young'])
      await until('ben holds it', holds(ben, 1))
      await server.setBack()
      await until('they are back', () => ada.provider.wsconnected && ben.provider.wsconnected)
      entriesOf(ben).push(['ben again'])
      await until('ada holds it', holds(ada, 2))
      await expectNewcomerHolds(server.url, ['young', 'ben again'])
    },
  )

  describe.each(['known to the copy', 'younger than the copy'])('a client id %s', (age) => {
    it.each(['its writer', 'another person'])(
      '[T47] both go on writing when %s brings back first what the copy lacks',
      async (first) => {
        await using server = await timeMachine({ JOINERY_JWT_SECRET: SECRET })
        const tokens = { ada: await makeToken({ sub: 'ada' }), ben: await makeToken({ sub: 'ben' }) }
        const docs = { ada: new Y.Doc(), ben: new Y.Doc() }
        const enter = (name: 'ada' | 'ben') => {
          const query = { token: tokens[name] }
          return RawClient.open({ url: server.url, path: 'w', query, wantsJoinery: true, doc: docs[name] })
        }
        if (age === 'known to the copy') {
          const ada = await enter('ada')
          entriesOf(ada).push(['before'])
          await until('it is durable', () => ada.framesDurable === ada.framesSent)
        }
        await server.keepCopy()
        const before = [await enter('ada'), await enter('ben')]
        entriesOf({ doc: docs.ada }).push(['ada after'])
        await until('ben holds it', () => entriesOf({ doc: docs.ben }).toArray().includes('ada after'))
        await server.setBack()
        await Promise.all(before.map(({ ended }) => ended))

        const order = first === 'its writer' ? (['ada', 'ben'] as const) : (['ben', 'ada'] as const)
        const back: RawClient[] = []
        for (const name of order) back.push(await enter(name))
        // Edits that only another may write are not called durable before that other client has been here.
        const isAcknowledged = (client: RawClient) =>
          Promise.race([until('it is acknowledged', () => client.framesDurable > 0), client.ended])
        for (const [at, ending] of (await Promise.all(back.map(isAcknowledged))).entries()) {
          if (ending === undefined) continue
          expect([order[at], ending]).toMatchObject(['ben', { kind: 'close', code: CLOSE.tryLater }])
          back[at] = await enter('ben')
          expect(await isAcknowledged(back[at])).toBeUndefined()
        }
        entriesOf({ doc: docs.ada }).push(['ada again'])
        entriesOf({ doc: docs.ben }).push(['ben again'])
        const isAnswered = ({ framesDurable, framesSent, rejections }: RawClient) =>
          framesDurable === framesSent || rejections.length > 0
        await until('all is acknowledged or refused', () => back.every(isAnswered))
        expect(back.flatMap(({ rejections }) => rejections)).toEqual([])
        await Promise.all(back.map((client) => client.close()))
        // The log says who wrote what, so that both may come in again.
        await server.restart()
        for (const name of order) {
          const client = await enter(name)
          entriesOf(client).push([`${name} at last`])
          await until(`${name} is acknowledged`, () => client.framesDurable === client.framesSent)
          await client.close()
        }
        await enter('ada').then((client) => client.close())
        expect(entriesOf({ doc: docs.ada })).toHaveLength(age === 'known to the copy' ? 6 : 5)
        await expectNewcomerHolds(server.url, entriesOf({ doc: docs.ada }).toArray(), tokens.ben)
      },
    )
  })
})
