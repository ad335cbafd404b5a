import { generateKeyPairSync } from 'node:crypto'
import { HeadSigner, systemClock } from '@joinery/log'
import { createAuthenticator, Revocations, SignedHeads } from '@joinery/server'
import pino from 'pino'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'
import { Bookings } from '../testing/bookings.ts'
import { allRoutes } from './all-routes.ts'

type Call = [path: string, body?: unknown, headers?: Record<string, string>]

/** One request for each route, by its id, that is answered with success in this order. */
function requestsOf(token: () => string): Record<string, Call> {
  const status = '/blocks/a/statuses/file@1/plan.pdf'
  return {
    putBlock: ['/blocks/a', { type: 'text', content: 'some words' }],
    createBlock: ['/blocks', { type: 'text' }],
    patchBlock: ['/blocks/a', { content: 'other words' }],
    getBlock: ['/blocks/a?at=1'],
    listBlocks: ['/blocks'],
    putEdge: ['/edges/e', { source: 'a', target: 'a' }],
    getEdge: ['/edges/e'],
    listEdges: ['/edges'],
    deleteEdge: ['/edges/e'],
    startRun: ['/blocks/a/indexing/main/runs', { runId: 'r1' }],
    reportRun: ['/blocks/a/indexing/main/runs/r1/reports', { status: 'done' }],
    removeIndex: ['/blocks/a/indexing/main'],
    startStatus: [`${status}/runs`, { runId: 'r1' }],
    reportStatus: [`${status}/runs/r1/reports`, { status: 'syncing' }],
    getStatus: [status],
    listStatusEvents: [`${status}/events`],
    removeStatus: [status],
    transact: ['/transactions', { operations: [{ op: 'patch', block: 'a', content: 'words' }] }],
    search: ['/search?q=words'],
    listRecords: ['/history?as=changes'],
    diffWorkspace: ['/diff?from=1&to=2'],
    getHead: ['/head'],
    restoreWorkspace: ['/restore', { lsn: 1 }],
    getUpdate: ['/update'],
    acquireLease: ['/leases', { name: 'l', ttlMs: 60_000 }],
    getLease: ['/leases/l'],
    listLeases: ['/leases'],
    renewLease: ['/leases/l/renew', { token: token(), ttlMs: 90_000 }],
    releaseLease: ['/leases/l', undefined, { 'x-joinery-lease': token() }],
    getWorkspace: [''],
    listWorkspaces: ['/v1/workspaces'],
    deleteBlock: ['/blocks/a'],
    deleteWorkspace: [''],
    undeleteWorkspace: ['/undelete'],
    revokeTokens: ['/v1/revocations', { actor: 'nobody' }],
  }
}

it('[H122] every route books its cost to its caller, and reads and edits no workspace without a payer', async () => {
  const revocations = new Revocations()
  const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
  let bookings: Bookings | undefined
  await using api = await ApiFixture.start({
    revocations,
    authenticator: createAuthenticator({ secret: SECRET }, { revocations }),
    headsOf: (server) => {
      bookings = new Bookings(server)
      const { workspaces } = server
      return new SignedHeads({
        workspaces,
        signer,
        clock: systemClock,
        logger: pino({ level: 'silent' }),
        log: undefined,
      })
    },
  })
  const { payers, unpaid } = bookings as unknown as Bookings
  const headers = await bearer('Ada', { operator: true })
  let token = ''
  const requests = () => requestsOf(() => token)
  const byId = new Map(allRoutes.map((route) => [route.id, route]))
  const isBooked = (workspace: string | undefined): boolean =>
    payers.some((payer) => payer.principal === 'Ada' && payer.workspace === workspace)
  const walk = async (id: string, ask: (method: string) => Promise<{ status: number }>): Promise<void> => {
    const route = byId.get(id)
    byId.delete(id)
    payers.length = 0
    const { status } = await ask(route?.method ?? 'GET')
    expect(status, id).toBeLessThan(300)
    expect(isBooked(route?.path.includes('{workspace}') ? 'w' : undefined), id).toBe(true)
    expect(
      payers.filter(({ principal }) => principal !== 'Ada'),
      id,
    ).toEqual([])
    expect(unpaid, id).toEqual([])
  }
  for (const id of Object.keys(requests())) {
    await walk(id, async (method) => {
      const [path, body, more] = requests()[id] as Call
      const answered = await api.call(method, path, body, { ...headers, ...more })
      if (id === 'acquireLease') token = answered.body.token
      return answered
    })
  }
  await walk('postUpdate', async (method) => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'text')
    const type = { 'content-type': 'application/octet-stream' }
    const body = Buffer.from(Y.encodeStateAsUpdate(doc))
    return fetch(`${api.server.url}/v1/workspaces/w/update`, { method, body, headers: { ...headers, ...type } })
  })
  await walk('streamEvents', async (method) => {
    const end = new AbortController()
    const url = `${api.server.url}/v1/workspaces/w/events?after=0`
    const response = await fetch(url, { method, headers, signal: end.signal })
    await response.body?.getReader().read()
    end.abort()
    return response
  })
  await api.call('DELETE', '', undefined, headers)
  await walk('purgeWorkspace', (method) => api.call(method, '/purge', undefined, headers))
  // A new route needs a request here.
  expect([...byId.keys()]).toEqual([])
})
