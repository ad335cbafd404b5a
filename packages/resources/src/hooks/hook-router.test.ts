import { once } from 'node:events'
import { openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { ADAPTER_KINDS } from '../adapters/kinds.ts'
import { HOOKS_LOG, HookDesk } from './hook-desk.ts'
import { HookRouter, type HookRouterOptions } from './hook-router.ts'

const WHOSE = { workspace: '/w', block: '/b', name: '/n' }

const kind = ADAPTER_KINDS.find((each) => each.kind === 'http') ?? expect.fail('there is no kind "http"')
/** An endpoint whose events name their resource. */
const CRM: Pick<HookRouterOptions, 'endpoints' | 'adapters' | 'hasWorkspace' | 'nowMs'> = {
  endpoints: { crm: { machine: 'sync@1', scheme: 'standard', secrets: [] } },
  adapters: new Map([['sync@1', { kind, config: { hook: WHOSE } as never }]]),
  hasWorkspace: async () => true,
  nowMs: Date.now,
}

async function openDesk(): Promise<HookDesk> {
  const store = openMemoryStore()
  return HookDesk.open({
    log: await store.open(HOOKS_LOG),
    atomically: (work) => store.atomically(work),
    onUntidy: (error) => expect.fail(String(error)),
  })
}

/** An event of a resource of a block in `shop`: of `main` by default. */
function receive(desk: HookDesk, id: string, name = 'main'): Promise<void> {
  const body = Buffer.from(JSON.stringify({ w: 'shop', b: 'order', n: name })).toString('base64')
  return desk.note({ type: 'received', endpoint: 'crm', id, kind: 'changed', body, digest: id })
}

it('[RS47, RS48] an event that was being handled when its workspace was purged holds up no later one of the same resource', async () => {
  const desk = await openDesk()
  const options: HookRouterOptions = {
    ...CRM,
    tasks: {
      start: async (_: string, { key }: { readonly key: string }) => ({ task: { id: key } }),
      find: async () => ({ state: 'running' }),
      untilChanged: async (_: string, { signal }: { readonly signal: AbortSignal }) => {
        if (!signal.aborted) await once(signal, 'abort')
        return 0
      },
    },
    logger: { warn: () => undefined },
  }
  const router = new HookRouter(options, desk)
  const come = async (id: string): Promise<void> => {
    await receive(desk, id)
    router.goWith('crm', id)
  }
  const stateOf = (id: string) => desk.find('crm', id)?.state
  try {
    await come('first')
    await expect.poll(() => stateOf('first')).toBe('routed')
    await desk.forget('shop')
    expect(stateOf('first')).toBe('dropped')
    await come('second')
    await expect.poll(() => stateOf('second')).toBe('routed')
    // One that is still being handled holds up the next.
    await come('third')
    await new Promise(setImmediate)
    expect(stateOf('third')).toBe('received')
  } finally {
    await router.close()
  }
})

it('[RS47, RS63] an event whose resource another server’s event keeps busy is handled soon after that', async () => {
  const desk = await openDesk()
  let starts = 0
  const router = new HookRouter(
    {
      ...CRM,
      tasks: {
        start: async (_, { key }) => {
          if (++starts === 1) throw Object.assign(new Error('busy'), { code: 'busy' })
          return { task: { id: key } }
        },
        find: async () => ({ state: 'done' }),
        untilChanged: async () => 1,
      },
      logger: { warn: (about) => expect.fail(JSON.stringify(about)) },
    },
    desk,
  )
  await receive(desk, 'late')
  router.go()
  await expect.poll(() => desk.find('crm', 'late')?.state).toBe('handled')
  expect(starts).toBe(2)
  await router.close()
})

it('[RS47] events that wait for their resource are not looked at when others come, and go on one by one', async () => {
  const desk = await openDesk()
  const route = kind.route ?? expect.fail('the kind has no events')
  let looks = 0
  const counted = {
    ...kind,
    route: (...[event, config, machine]: Parameters<typeof route>) => {
      looks++
      return route(event, config, machine)
    },
  }
  const changed = { ended: new Set<string>(), tell: () => undefined as void }
  const router = new HookRouter(
    {
      ...CRM,
      adapters: new Map([['sync@1', { kind: counted, config: { hook: WHOSE } as never }]]),
      tasks: {
        start: async (_, { key }) => ({ task: { id: key } }),
        find: async (_, task) => ({ state: changed.ended.has(task) ? 'done' : 'running' }),
        untilChanged: (_, { signal }) =>
          new Promise((resolve) => {
            changed.tell = () => resolve(1)
            signal.addEventListener('abort', () => resolve(0))
          }),
      },
      logger: { warn: (about) => expect.fail(JSON.stringify(about)) },
    },
    desk,
  )
  const come = async (id: string, name: string): Promise<void> => {
    await receive(desk, id, name)
    router.goWith('crm', id)
  }
  const countIn = (state: string): number => desk.list().filter((entry) => entry.state === state).length
  const WAITING = 200
  for (let n = 0; n <= WAITING; n++) await come(`e${n}`, 'main')
  await expect.poll(() => countIn('routed')).toBe(1)
  looks = 0
  for (let n = 0; n < 10; n++) await come(`o${n}`, `other ${n}`)
  await expect.poll(() => countIn('routed')).toBe(11)
  // A few for each that came, and none for those that wait.
  expect(looks).toBeLessThan(WAITING / 2)
  changed.ended.add('hook:crm/e0')
  changed.tell()
  await expect.poll(() => [desk.find('crm', 'e0')?.state, desk.find('crm', 'e1')?.state]).toEqual(['handled', 'routed'])
  expect(countIn('received')).toBe(WAITING - 1)
  await router.close()
})
