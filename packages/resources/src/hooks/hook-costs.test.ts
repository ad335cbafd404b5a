import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openMemoryStore } from '@joinery/log'
import { expect, it, onTestFinished } from 'vitest'
import { Inbox } from './inbox.ts'
import { signStandard } from './signatures.ts'

const SECRET = 'whsec_c2VjcmV0'

it('[RS59] an endpoint pays for the check of each request, forged or good, and is told to wait while it is over budget', async () => {
  const store = openMemoryStore()
  const booked: string[] = []
  let restMs = 0
  const inbox = await Inbox.open({
    endpoints: { crm: { machine: 'sync@1', scheme: 'standard', secrets: ['crm'] } },
    adapters: new Map(),
    secrets: { read: () => SECRET } as never,
    tasks: {} as never,
    hasWorkspace: async () => false,
    openLog: (name) => store.open(name),
    atomically: (work) => store.atomically(work),
    logger: { warn: () => undefined },
    costs: { book: (endpoint) => void booked.push(endpoint), restOf: () => restMs },
  })
  onTestFinished(() => inbox.close())
  const server = createServer((request, response) => void inbox.handle(request, response)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/hooks/crm`
  const send = async (headers: Record<string, string>): Promise<[number, string | null]> => {
    const { status, headers: answered } = await fetch(url, { method: 'POST', body: '{}', headers })
    return [status, answered.get('retry-after')]
  }
  const signed = signStandard('msg_1', Math.floor(Date.now() / 1_000), Buffer.from('{}'), [SECRET])
  expect(await send({ ...signed, 'webhook-signature': 'v1,AAAA' })).toEqual([401, null])
  expect(await send(signed)).toEqual([202, null])
  expect(booked).toEqual(['crm', 'crm'])
  restMs = 1_500
  expect(await send(signed)).toEqual([429, '2'])
  expect(booked).toHaveLength(2)
  restMs = 0
  expect(await send(signed)).toEqual([200, null])
})
