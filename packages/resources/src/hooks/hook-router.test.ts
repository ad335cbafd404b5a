import { once } from 'node:events'
import { openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { ADAPTER_KINDS } from '../adapters/kinds.ts'
import { HOOKS_LOG, HookDesk } from './hook-desk.ts'
import { HookRouter, type HookRouterOptions } from './hook-router.ts'

const WHOSE = { workspace: '/w', block: '/b', name: '/n' }

it('[RS47, RS48] an event that was being handled when its workspace was purged holds up no later one of the same resource', async () => {
  const store = openMemoryStore()
  const desk = await HookDesk.open({
    log: await store.open(HOOKS_LOG),
    atomically: (work) => store.atomically(work),
    onUntidy: (error) => expect.fail(String(error)),
  })
  const kind = ADAPTER_KINDS.find((each) => each.kind === 'http')
  if (kind === undefined) throw new Error('there is no kind "http"')
  const options: HookRouterOptions = {
    endpoints: { crm: { machine: 'sync@1', scheme: 'standard', secrets: [] } },
    adapters: new Map([['sync@1', { kind, config: { hook: WHOSE } as never }]]),
    tasks: {
      start: async (_: string, { key }: { readonly key: string }) => ({ task: { id: key } }),
      find: async () => ({ state: 'running' }),
      untilChanged: async (_: string, { signal }: { readonly signal: AbortSignal }) => {
        if (!signal.aborted) await once(signal, 'abort')
        return 0
      },
    },
    hasWorkspace: async () => true,
    logger: { warn: () => undefined },
    nowMs: Date.now,
  }
  const router = new HookRouter(options, desk)
  const receive = async (id: string): Promise<void> => {
    const body = Buffer.from(JSON.stringify({ w: 'shop', b: 'order', n: 'main' })).toString('base64')
    await desk.append({ type: 'received', endpoint: 'crm', id, kind: 'changed', body, digest: id })
    router.go()
  }
  const stateOf = (id: string) => desk.find('crm', id)?.state
  try {
    await receive('first')
    await expect.poll(() => stateOf('first')).toBe('routed')
    await desk.forget('shop')
    expect(stateOf('first')).toBe('dropped')
    await receive('second')
    await expect.poll(() => stateOf('second')).toBe('routed')
    // One that is still being handled holds up the next.
    await receive('third')
    await new Promise(setImmediate)
    expect(stateOf('third')).toBe('received')
  } finally {
    await router.close()
  }
})

it('[RS47, RS63] an event whose resource another server’s event keeps busy is handled soon after that', async () => {
  const store = openMemoryStore()
  const desk = await HookDesk.open({
    log: await store.open(HOOKS_LOG),
    atomically: (work) => store.atomically(work),
    onUntidy: (error) => expect.fail(String(error)),
  })
  const kind = ADAPTER_KINDS.find((each) => each.kind === 'http')
  if (kind === undefined) throw new Error('there is no kind "http"')
  let starts = 0
  const router = new HookRouter(
    {
      endpoints: { crm: { machine: 'sync@1', scheme: 'standard', secrets: [] } },
      adapters: new Map([['sync@1', { kind, config: { hook: WHOSE } as never }]]),
      tasks: {
        start: async (_, { key }) => {
          if (++starts === 1) throw Object.assign(new Error('busy'), { code: 'busy' })
          return { task: { id: key } }
        },
        find: async () => ({ state: 'done' }),
        untilChanged: async () => 1,
      },
      hasWorkspace: async () => true,
      logger: { warn: (about) => expect.fail(JSON.stringify(about)) },
      nowMs: Date.now,
    },
    desk,
  )
  const body = Buffer.from(JSON.stringify({ w: 'shop', b: 'order', n: 'main' })).toString('base64')
  await desk.append({ type: 'received', endpoint: 'crm', id: 'late', kind: 'changed', body, digest: 'late' })
  router.go()
  await expect.poll(() => desk.find('crm', 'late')?.state).toBe('handled')
  expect(starts).toBe(2)
  await router.close()
})
