import type { Source } from '@joinery/blocks'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { connect, readText, textOf } from './fixture.ts'
import { startHttpServer } from './http-server.ts'

const engine = { source: 'workflow_execution' as Source, actor: 'engine' }
const lost = expect.objectContaining({ code: 'lease_lost' })

describe('a lease', () => {
  it('[C100] one client holds it, renews it, and lets the next that waits have it', async () => {
    const server = await startHttpServer()
    const [ada, ben] = [connect(server, { actor: 'ada' }), connect(server, { actor: 'ben' })]
    const first = await ada.leases.acquire('import', { ttlMs: 6_000, holder: 'import 7' })
    expect(await ben.leases.try('import')).toBeUndefined()
    expect(await ben.leases.status('import')).toMatchObject({ holder: 'import 7', actor: 'ada', fence: first.fence })
    const waiting = ben.leases.acquire('import')
    const seen = () => ada.leases.status('import')
    await expect.poll(async () => (await seen())?.waiting).toBe(1)
    // It renews itself: what is left of its time grows again.
    const left = (await seen())?.remainingMs ?? 0
    await expect.poll(async () => (await seen())?.remainingMs).toBeLessThan(left)
    const least = (await seen())?.remainingMs ?? 0
    await expect.poll(async () => (await seen())?.remainingMs).toBeGreaterThan(least)
    expect(await ada.leases.list()).toMatchObject([{ name: 'import', fence: first.fence, waiting: 1 }])
    await first.release()
    await first.release()
    const second = await waiting
    expect(second.fence).toBeGreaterThan(first.fence)
    expect([first.signal.aborted, second.signal.aborted]).toEqual([false, false])
    await second[Symbol.asyncDispose]()
    expect(await ada.leases.status('import')).toBeUndefined()
  })

  it('[C101] its signal aborts when it is lost, and what was written under it is nowhere', async () => {
    const server = await startHttpServer()
    const [ada, ben] = [connect(server, { actor: 'ada' }), connect(server, { actor: 'ben' })]
    textOf(ada).insert(0, '.')
    await ada.whenDurable()
    const lease = await ada.leases.acquire('import', { ttlMs: 3_000 })
    await lease.transact(({ blocks }) => void blocks.get('b')?.content.insert(0, 'under'))
    await ada.transactDurably(() => ada.blocks.get('b')?.content.insert(0, 'plain '), { lease })
    await until('ben sees both', () => readText(ben) === 'plain under.')
    // Somebody else who has the token releases it.
    const url = `${server.url}/v1/workspaces/w/leases/import`
    await fetch(url, { method: 'DELETE', headers: { 'x-joinery-lease': lease.token } })
    await until('the lease is lost', () => lease.signal.aborted)
    expect(lease.signal.reason).toEqual(lost)
    await expect(lease.transact(({ blocks }) => void blocks.get('b')?.content.insert(0, 'late '))).rejects.toEqual(lost)
    await expect(ada.transactDurably(() => ada.blocks.get('b')?.content.insert(0, 'late '), { lease })).rejects.toEqual(
      lost,
    )
    const once = { idempotencyKey: 'k', lease }
    await expect(ada.transactOnce(({ blocks }) => void blocks.get('b')?.content.delete(0, 1), once)).rejects.toEqual(
      lost,
    )
    expect([readText(ada), readText(ben)]).toEqual(['plain under.', 'plain under.'])
    await lease.release()
  })

  it('[C101] it is lost when no server answers for a TTL, and when the workspace is closed', async () => {
    const server = await startHttpServer()
    const ada = connect(server)
    const lease = await ada.leases.acquire('import', { ttlMs: 400 })
    const other = await ada.leases.acquire('other', { ttlMs: 60_000 })
    await server.close()
    await until('the lease is lost', () => lease.signal.aborted)
    expect(lease.signal.reason).toEqual(lost)
    expect(other.signal.aborted).toBe(false)
    await ada.close()
    expect(other.signal.reason).toMatchObject({ code: 'closed' })
  })

  it('[C100] acquire waits until there is a server, and a signal ends the wait', async () => {
    const port = await freePort()
    const ada = connect({ url: `http://127.0.0.1:${port}` })
    const waiting = ada.leases.acquire('import')
    await expect(ada.leases.try('import')).rejects.toMatchObject({ code: 'unreachable' })
    const server = await startHttpServer({ port })
    const lease = await waiting
    const stop = new AbortController()
    const second = connect(server).leases.acquire('import', { signal: stop.signal })
    await expect.poll(async () => (await ada.leases.status('import'))?.waiting).toBe(1)
    stop.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    await expect.poll(async () => (await ada.leases.status('import'))?.waiting).toBe(0)
    await lease.release()
    await expect(ada.leases.acquire('', {})).rejects.toMatchObject({ code: 'request_refused' })
    await expect(ada.leases.acquire('a', { ttlMs: Number.NaN })).rejects.toMatchObject({ code: 'request_refused' })
  })
})

describe('an exclusive job', () => {
  it('[C102] one at a time builds an index, and the next starts when it has reported', async () => {
    const server = await startHttpServer()
    const ada = connect(server, engine)
    await ada.whenSynced
    textOf(ada).insert(0, 'text')
    await ada.whenDurable()
    let running = 0
    const most: number[] = []
    const jobs = [1, 2, 3].map(() => {
      const client = connect(server, engine)
      const job = async (): Promise<number> => {
        most.push(++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        return 1
      }
      return client.withRun('b', 'search', job, { ...engine, exclusive: true })
    })
    expect((await Promise.all(jobs)).map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done'])
    expect(most).toEqual([1, 1, 1])
    expect(await ada.leases.list()).toEqual([])
    const none = connect(server, engine).withRun('none', 'search', async () => 1, { ...engine, exclusive: true })
    await expect(none).rejects.toMatchObject({ code: 'block_missing' })
  })
})
