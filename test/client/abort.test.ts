import { getEventListeners } from 'node:events'
import { documentRules } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { closing, connect, readText, startServer, textOf, whenState } from './fixture.ts'
import { HeldStore } from './held-store.ts'

const NOWHERE = 'ws://127.0.0.1:9'
const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length
const workflow = { source: 'workflow_execution', actor: 'engine' } as const

/** A workspace whose edits are applied, but not durable until its store is released. */
async function held(): Promise<{ store: HeldStore; ada: Workspace }> {
  const store = new HeldStore()
  const server = await startServer({ store, rules: documentRules })
  const ada = connect(server)
  await ada.whenSynced
  textOf(ada).insert(0, 'text')
  await ada.whenDurable()
  store.hold()
  return { store, ada }
}

describe('giving up', () => {
  const waits: [string, (ada: Workspace, signal: AbortSignal) => Promise<unknown>][] = [
    ['whenDurable', (ada, signal) => ada.whenDurable({ signal })],
    ['a keyed edit', (ada, signal) => ada.transactOnce(() => undefined, { idempotencyKey: 'k', signal })],
    ['a job’s report', (ada, signal) => ada.withRun('b', 'search', async () => 1, { ...workflow, signal })],
  ]

  it.each(waits)('[C53] %s rejects with the reason and leaves no listener when its signal aborts', async (_, wait) => {
    const { store, ada } = await held()
    const before = store.appends
    textOf(ada).insert(0, 'more ')
    const stop = new AbortController()
    const waiting = wait(ada, stop.signal)
    const rejected = expect(waiting).rejects.toThrow('had enough')
    await until('the server has it', () => store.appends > before)
    expect(listenersOf(stop.signal)).toBe(1)
    stop.abort(new Error('had enough'))
    await rejected
    expect(listenersOf(stop.signal)).toBe(0)
    await expect(wait(ada, stop.signal)).rejects.toThrow('had enough')
    store.release()
    await whenState(ada, 'saved')
  })

  it.each(waits)('[C53] %s leaves no listener when it ends well', async (_, wait) => {
    const { store, ada } = await held()
    store.release()
    const stop = new AbortController()
    await wait(ada, stop.signal)
    expect(listenersOf(stop.signal)).toBe(0)
  })

  it.each<[string, (ada: Workspace, signal: AbortSignal) => Promise<unknown>]>([
    ['untilSynced', (ada, signal) => ada.untilSynced({ signal })],
    ...waits.slice(1),
  ])('[C53] %s rejects with the reason while there is no connection', async (_, wait) => {
    const ada = closing(connectWorkspace({ url: NOWHERE, workspace: 'w' }))
    const stop = new AbortController()
    const waiting = expect(wait(ada, stop.signal)).rejects.toThrow('had enough')
    await until('it listens', () => listenersOf(stop.signal) === 1)
    stop.abort(new Error('had enough'))
    await waiting
    expect(listenersOf(stop.signal)).toBe(0)
  })

  it('[C53] an edit that waits for its turn is not made when its signal aborts, and the next one is', async () => {
    const { store, ada } = await held()
    const append = (text: string) => (draft: Pick<Workspace, 'blocks'>) => {
      draft.blocks.get('b')?.content.insert(0, text)
    }
    const first = ada.transactOnce(append('1'), { idempotencyKey: 'k1' })
    const stop = new AbortController()
    const second = ada.transactOnce(append('2'), { idempotencyKey: 'k2', signal: stop.signal })
    const third = ada.transactOnce(append('3'), { idempotencyKey: 'k3' })
    const given = expect(second).rejects.toThrow('had enough')
    stop.abort(new Error('had enough'))
    await given
    store.release()
    await Promise.all([first, third])
    expect(readText(ada)).toBe('31text')
  })

  it('[C53] a workspace closes when the signal it was opened with aborts, and all that waits hears the reason', async () => {
    const server = await startServer({ limits: { drainMs: 60_000 } })
    const stop = new AbortController()
    const ada = connect(server, { signal: stop.signal })
    const lost = closing(connectWorkspace({ url: NOWHERE, workspace: 'w', signal: stop.signal }))
    await ada.whenSynced
    textOf(lost)
    await lost.whenLoaded
    const waiting = [lost.whenSynced, lost.whenDurable(), lost.transactOnce(() => undefined, { idempotencyKey: 'k' })]
    const rejected = waiting.map((wait) => expect(wait).rejects.toThrow('had enough'))
    expect(listenersOf(stop.signal)).toBe(2)
    stop.abort(new Error('had enough'))
    await Promise.all(rejected)
    expect(listenersOf(stop.signal)).toBe(0)
    expect([ada, lost].map(({ closeSignal }) => closeSignal.reason.message)).toEqual(['had enough', 'had enough'])
    // It waits for every socket, for longer than this test may take.
    await server.close()
    await expect(ada.untilSynced()).rejects.toThrow('had enough')
    expect(() => connectWorkspace({ url: NOWHERE, workspace: 'w', signal: stop.signal })).toThrow('had enough')
  })

  it('[C53] closing a workspace leaves no listener on the signal it was opened with', async () => {
    const stop = new AbortController()
    const ada = connectWorkspace({ url: NOWHERE, workspace: 'w', signal: stop.signal })
    await ada.close()
    expect(listenersOf(stop.signal)).toBe(0)
    expect(ada.closeSignal.reason).toMatchObject({ code: 'closed' })
  })
})
