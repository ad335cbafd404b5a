import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerTo, ClientError, type HistoryPages, historyOf, type Workspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import { createAuthenticator } from '@joinery/server'
import { describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { WAIT_MS } from '../support/patience.ts'
import { makeToken, SECRET } from '../support/tokens.ts'
import { closing, connect, readText, textOf } from './fixture.ts'
import { startHttpServer } from './http-server.ts'

const eventually = (check: () => void) => vi.waitFor(check, WAIT_MS)

/** Edits of block `b`, one record each. */
async function write(workspace: Workspace, ...words: string[]): Promise<void> {
  await workspace.whenSynced
  for (const word of words) {
    const text = textOf(workspace)
    text.insert(text.length, word)
    await workspace.whenDurable()
  }
}

const lsnsOf = (pages: HistoryPages): number[] => pages.get().records.map(({ lsn }) => lsn)
const codeOf = (done: Promise<unknown>) =>
  done.then(
    () => expect.fail('it did not reject'),
    (error: ClientError) => [error.code, error.refusal?.code],
  )

/** Listens until the test ends. */
function followed(pages: HistoryPages): HistoryPages {
  const unsubscribe = pages.subscribe(() => undefined)
  closing({ close: async () => unsubscribe() })
  return pages
}

describe('historyOf', () => {
  it('[C70] reads records, past blocks and differences, and restores, as whom the socket speaks', async () => {
    const server = await startHttpServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    const token = await makeToken({ sub: 'ann', workspaces: ['w'], sources: ['user_action'] })
    const workspace = connect(server, { token: () => token, source: 'user_action' })
    await write(workspace, 'one', ' two', ' three')
    const history = historyOf(workspace)
    expect(historyOf(workspace)).toBe(history)
    const head = await history.head()

    const first = await history.records({ limit: 1 })
    expect(first).toMatchObject({ records: [{ lsn: 1, actor: 'ann', source: 'user_action' }], next: 1 })
    const rest = await history.records({ block: 'b', actor: 'ann', after: 1 })
    expect(rest.records.map(({ lsn }) => lsn)).toEqual(Array.from({ length: head - 1 }, (_, index) => index + 2))
    expect(rest.next).toBeUndefined()

    const past = await history.stateAt(head - 1)
    expect(past).toMatchObject({ blocks: [{ id: 'b', content: 'one two', version: head - 1 }], next: undefined })
    expect(await history.blockAt('b', head - 1)).toEqual(past.blocks[0])
    expect(await codeOf(history.blockAt('none', head))).toEqual(['request_refused', 'unknown_block'])
    expect((await history.stateAt(new Date())).blocks).toMatchObject([{ content: 'one two three' }])
    const { changed } = await history.difference(head - 1, head)
    const typed = { root: 'blocks', path: [{ key: 'b' }, { key: 'content' }], kind: 'text_inserted', text: ' three' }
    expect(changed[0]?.changes).toMatchObject([typed])
    const told = await history.records({ after: head - 1, as: 'changes' })
    expect(told.records.at(-1)?.changes).toMatchObject([typed])
    expect(changed).toMatchObject([{ id: 'b', content: { before: 'one two', after: 'one two three' } }])

    const restored = await history.restore(head - 1)
    expect(restored).toMatchObject({ lsn: head + 1, touched: expect.arrayContaining(['b/content']) })
    await eventually(() => expect(readText(workspace)).toBe('one two'))
    expect((await history.records({ after: head })).records).toMatchObject([{ lsn: head + 1, actor: 'ann' }])
  })

  it('[C70] speaks as the actor and source of the socket when the server has no keys', async () => {
    const server = await startHttpServer()
    const workspace = connect(server, { actor: 'zoë', source: 'workflow_execution' })
    await write(workspace, 'one', ' two')
    const { lsn } = await historyOf(workspace).restore(1)
    const { records } = await historyOf(workspace).records({ after: lsn - 1 })
    expect(records).toMatchObject([{ lsn, actor: 'zoë', source: 'workflow_execution' }])
  })

  it('[C71] rejects with the code of the server when it refuses', async () => {
    const server = await startHttpServer({ authenticator: createAuthenticator({ secret: SECRET }) })
    await write(connect(server, { token: await makeToken({ sub: 'ada' }) }), 'one')
    const token = await makeToken({ sub: 'ann', workspaces: ['w'], access: 'read' })
    const workspace = connect(server, { token })
    await workspace.whenSynced
    expect(await codeOf(historyOf(workspace).stateAt(99))).toEqual(['request_refused', 'unknown_lsn'])
    expect(await codeOf(historyOf(workspace).restore(0))).toEqual(['request_refused', 'read_only'])
    const stranger = connect(server, { workspace: 'other', token })
    expect(await codeOf(historyOf(stranger).head())).toEqual(['request_refused', 'forbidden'])
  })

  it('[C71] rejects with unreachable or the reason of the signal when no answer comes', async () => {
    const server = await startHttpServer()
    const workspace = connect(server)
    const reason = new Error('the panel was closed')
    await expect(historyOf(workspace).head({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await server.close()
    expect(await codeOf(historyOf(workspace).head())).toEqual(['unreachable', undefined])
    const tokenless = connect(server, { token: () => Promise.reject(new Error('no network')) })
    expect(await codeOf(historyOf(tokenless).head())).toEqual(['unreachable', undefined])
  })

  it('[C71] rejects with a refusal without a code when what answers is no Joinery server', async () => {
    const proxy = createHttpServer((_request, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'))
    closing({ close: () => new Promise((resolve) => proxy.close(() => resolve())) })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const workspace = connect({ url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
    const error = await historyOf(workspace)
      .head()
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ClientError)
    expect(error).toMatchObject({ code: 'request_refused', refusal: { status: 502, code: 'none' } })
    await workspace.close()
    proxy.closeAllConnections()
  })

  it('[C72] tells what can not come back before it restores, and restores the rest on request', async () => {
    const workspace = connect(await startHttpServer())
    await write(workspace, 'one')
    workspace.doc.getMap('subs').set('s', new Y.Doc({ guid: 'guid-1' }))
    await workspace.whenDurable()
    const history = historyOf(workspace)
    const lsn = await history.head()
    workspace.doc.getMap('subs').delete('s')
    await write(workspace, ' two')
    const head = await history.head()
    const lost = { root: 'subs', path: [{ key: 's' }], guid: 'guid-1' }
    expect(await history.previewRestore(lsn)).toMatchObject({ touched: ['b/content'], unrestorable: [lost] })
    expect(await codeOf(history.restore(lsn))).toEqual(['request_refused', 'not_restorable'])
    expect(await history.head()).toBe(head)
    expect(await history.restore(lsn, { partial: true })).toMatchObject({ unrestorable: [lost] })
    await eventually(() => expect(readText(workspace)).toBe('one'))
  })

  it('[C72] restores once when it is asked twice under one key', async () => {
    const workspace = connect(await startHttpServer())
    await write(workspace, 'one', ' two')
    const history = historyOf(workspace)
    const first = await history.restore(1, { key: 'again' })
    expect(await history.restore(1, { key: 'again' })).toEqual(first)
    expect(await history.head()).toBe(first.lsn)
  })
})

describe('pages of history', () => {
  it('[C73] lists the newest first, goes back on demand, and follows what is written', async () => {
    const workspace = connect(await startHttpServer())
    await write(workspace, ...'abcdefg')
    const head = await historyOf(workspace).head()
    const pages = followed(historyOf(workspace).pages({}, 3))
    await eventually(() => expect(lsnsOf(pages)).toEqual([head, head - 1, head - 2]))
    expect(pages.get()).toMatchObject({ hasMore: true, error: undefined })
    const newest = pages.get().records[0]
    const all = Array.from({ length: head + 1 }, (_, index) => head + 1 - index)
    while (pages.get().hasMore) {
      const before = pages.get().records.length
      pages.more()
      await eventually(() => expect(pages.get().records.length).toBeGreaterThan(before))
    }
    expect(lsnsOf(pages)).toEqual(all.slice(1))
    await write(workspace, 'h')
    await eventually(() => expect(lsnsOf(pages)).toEqual(all))
    expect(pages.get().records[1]).toBe(newest)
  })

  it('[C73] finds what passes a filter however far back it is', async () => {
    const server = await startHttpServer()
    const bob = connect(server, { actor: 'bob' })
    await write(bob, 'first')
    const { lsn: bobs } = await bob.whenDurable()
    const workspace = connect(server, { actor: 'ann' })
    await write(workspace, ...'abcdefghij')
    const pages = followed(historyOf(workspace).pages({ actor: 'bob' }, 2))
    await eventually(() => expect(lsnsOf(pages)).toContain(bobs))
    expect(pages.get().records.every(({ actor }) => actor === 'bob')).toBe(true)
  })

  it('[C73] says what went wrong, keeps what is read, and goes on when asked again', async () => {
    const store = closing(openMemoryStore())
    const server = await startHttpServer({ store })
    const workspace = connect(server)
    await write(workspace, ...'abcd')
    const pages = followed(historyOf(workspace).pages({}, 2))
    await eventually(() => expect(pages.get().isLoading).toBe(false))
    const known = lsnsOf(pages)
    await server.close()
    pages.more()
    await eventually(() => expect(pages.get()).toMatchObject({ isLoading: false, error: { code: 'unreachable' } }))
    expect(lsnsOf(pages)).toEqual(known)
    await startHttpServer({ store, port: server.port })
    pages.more()
    await eventually(() => expect(lsnsOf(pages)).toEqual([...known, ...known.map((lsn) => lsn - 2)]))
    expect(pages.get().error).toBeUndefined()
  })

  it('[C73] begins an empty list when the workspace is another one', async () => {
    const server = await startHttpServer()
    const workspace = connect(server)
    await write(workspace, ...'abcd')
    const pages = followed(historyOf(workspace).pages())
    await eventually(() => expect(lsnsOf(pages)).toHaveLength(4))
    await server.close()
    const reset = new Promise((resolve) => workspace.onReset(resolve))
    await startHttpServer({ port: server.port })
    await reset
    await write(workspace, 'anew')
    await eventually(() => expect(lsnsOf(pages)).toEqual([1]))
  })

  it('[C73] asks for nothing when nobody listens', async () => {
    const workspace = connect(await startHttpServer())
    await write(workspace, 'a')
    const pages = historyOf(workspace).pages()
    pages.more()
    const fetched = vi.spyOn(globalThis, 'fetch')
    const unsubscribe = pages.subscribe(() => undefined)
    await eventually(() => expect(lsnsOf(pages)).toEqual([1]))
    unsubscribe()
    const asked = fetched.mock.calls.length
    pages.more()
    await write(workspace, 'b')
    expect(fetched.mock.calls).toHaveLength(asked)
    fetched.mockRestore()
    pages.subscribe(() => undefined)()
    expect(lsnsOf(followed(pages))[0]).toBe(1)
    await eventually(() => expect(lsnsOf(pages)).toEqual([2, 1]))
  })
})

describe('answerTo', () => {
  it('[C74] asks once for all who listen, keeps an answer, and asks again after a failure', async () => {
    const asked: AbortSignal[] = []
    let outcome: () => Promise<string> = () => Promise.reject(new Error('not now'))
    const answer = answerTo((signal) => {
      asked.push(signal)
      return outcome()
    })
    expect(answer.get()).toEqual({ state: 'loading' })
    expect(asked).toEqual([])
    const stop = [answer.subscribe(() => undefined), answer.subscribe(() => undefined)]
    await eventually(() => expect(answer.get()).toMatchObject({ state: 'failed', error: new Error('not now') }))
    expect(asked).toHaveLength(1)
    for (const end of stop) end()
    outcome = () => new Promise(() => undefined)
    answer.subscribe(() => undefined)()
    expect(asked[1]?.aborted).toBe(true)
    outcome = async () => 'yes'
    answer.subscribe(() => undefined)
    await eventually(() => expect(answer.get()).toEqual({ state: 'ready', value: 'yes' }))
    answer.subscribe(() => undefined)
    expect(asked).toHaveLength(3)
  })
})
