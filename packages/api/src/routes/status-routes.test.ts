import { claimListsWith, defineDocumentRules, defineMachine } from '@joinery/blocks'
import { createAuthenticator } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'

const ADA = { 'x-joinery-source': 'user_action', 'x-joinery-actor': 'ada' }
const POLLER = { 'x-joinery-source': 'polling_sync', 'x-joinery-actor': 'poller' }
const FILE = '/blocks/b1/statuses/file@1/a%2Freport.pdf'

async function withBlock(): Promise<ApiFixture> {
  const api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  return api
}

it('[H80] a run of a resource is started, reported on, shown, listed by its events and removed', async () => {
  await using api = await withBlock()
  const started = await api.call('POST', `${FILE}/runs`, { runId: 'r1', detail: { bytes: 12 } }, ADA)
  expect([started.status, started.headers.get('etag')]).toEqual([201, '"2"'])
  expect(started.body).toMatchObject({
    shown: true,
    version: 2,
    entry: {
      machine: 'file@1',
      name: 'a/report.pdf',
      status: 'pending',
      run: { no: 1, id: 'r1' },
      detail: { bytes: 12 },
    },
  })
  const reports = `${FILE}/runs/r1/reports`
  const told = {
    progress: 3,
    total: 12,
    attempt: 2,
    retryAt: 5_000,
    task: 't-1',
    stalled: { since: 900, why: 'no answer' },
  }
  const syncing = await api.call('POST', reports, { status: 'syncing', ...told }, POLLER)
  const { retryAt: retry_at, ...same } = told
  expect(syncing.body).toMatchObject({ shown: true, entry: { status: 'syncing', retry_at, ...same } })
  expect((await api.call('GET', FILE)).body).toMatchObject({
    status: 'stalled',
    entry: { status: 'syncing' },
    version: 3,
  })
  const done = await api.call('POST', reports, { status: 'synced' }, POLLER)
  expect(done.body).toMatchObject({ shown: true, entry: { status: 'synced' } })
  const late = await api.call('POST', reports, { status: 'syncing', progress: 4 }, POLLER)
  expect(late.body).toMatchObject({ shown: false, entry: { status: 'synced' } })
  expect((await api.call('GET', `${FILE}?at=3`)).body).toMatchObject({ status: 'stalled', entry: { progress: 3 } })
  expect((await api.call('GET', '/blocks/b1')).body.statuses).toMatchObject([
    { name: 'a/report.pdf', status: 'synced' },
  ])
  expect((await api.call('DELETE', FILE, undefined, ADA)).status).toBe(204)
  expect((await api.call('GET', FILE)).body.error.code).toBe('unknown_status')
  const { body } = await api.call('GET', `${FILE}/events`)
  expect(body.next).toBe(null)
  expect(
    body.events.map((event: Record<string, { status?: string } | null>) => [event.before?.status, event.after?.status]),
  ).toEqual([
    [undefined, 'pending'],
    ['pending', 'syncing'],
    ['syncing', 'synced'],
    ['synced', undefined],
  ])
  expect(body.events[1]).toMatchObject({ lsn: 3, actor: 'poller', source: 'polling_sync' })
  const page = (await api.call('GET', `${FILE}/events?limit=2`)).body
  const rest = (await api.call('GET', `${FILE}/events?after=${page.next}`)).body
  expect([...page.events, ...rest.events]).toEqual(body.events)
})

it('[H80] events of what there is not are answered by the code of what is missing, as the status itself is', async () => {
  await using api = await withBlock()
  await api.call('POST', `${FILE}/runs`, { runId: 'r1' }, ADA)
  const codeOf = async (path: string) => (await api.call('GET', path)).body.error?.code
  for (const [code, status] of [
    ['unknown_machine', '/blocks/b1/statuses/file@9/x'],
    ['unknown_machine', '/blocks/b1/statuses/constructor@1/x'],
    ['invalid', '/blocks/b1/statuses/file/x'],
    ['unknown_block', '/blocks/b9/statuses/file@1/x'],
    ['unknown_block', '/blocks/b9/statuses/file@9/x'],
    ['unknown_workspace', '/v1/workspaces/nowhere/blocks/b1/statuses/file@9/x'],
    ['unknown_status', '/blocks/b1/statuses/file@1/x'],
    ['unknown_status', '/blocks/b1/statuses/sync@1/a%2Freport.pdf'],
  ] as const)
    expect([await codeOf(status), await codeOf(`${status}/events`)], status).toEqual([code, code])
  await api.call('DELETE', '/blocks/b1')
  expect((await api.call('GET', `${FILE}/events`)).body.events).toHaveLength(2)
  expect((await api.call('GET', `${FILE}/events?after=9`)).body).toEqual({ events: [], next: null })
})

it('[H80] a repeat under an idempotency key gets the first answer, and takes effect once', async () => {
  await using api = await withBlock()
  const start = () => api.call('POST', `${FILE}/runs`, {}, { ...ADA, 'idempotency-key': 'k1' })
  const [first, again] = [await start(), await start()]
  expect(again.body).toEqual(first.body)
  expect(
    (await api.call('POST', `${FILE}/runs`, { status: 'syncing' }, { ...ADA, 'idempotency-key': 'k1' })).body.error
      .code,
  ).toBe('key_reused')
  const stale = await api.call('POST', `${FILE}/runs`, {}, { ...ADA, 'if-match': '"1"' })
  expect([stale.status, stale.body.error.code]).toEqual([409, 'version_conflict'])
})

it('[H81] whatever no status can be is refused with its code, and nothing changes', async () => {
  await using api = await withBlock()
  await api.call('POST', `${FILE}/runs`, { runId: 'r1' }, ADA)
  await api.call('POST', '/blocks/b1/statuses/payment@1/o-7/runs', { runId: 'p1' }, ADA)
  const before = (await api.call('GET', '/blocks/b1')).body
  const report = `${FILE}/runs/r1/reports`
  const payment = '/blocks/b1/statuses/payment@1/o-7/runs/p1/reports'
  const provider = { 'x-joinery-source': 'provider', 'x-joinery-actor': 'bank' }
  const cases: [number, string, string, unknown, Record<string, string>][] = [
    [404, 'unknown_machine', '/blocks/b1/statuses/file@9/x/runs', {}, ADA],
    [404, 'unknown_machine', '/blocks/b1/statuses/constructor@1/x/runs', {}, ADA],
    [422, 'invalid', '/blocks/b1/statuses/file/x/runs', {}, ADA],
    [422, 'invalid', '/blocks/b1/statuses/file@0/x/runs', {}, ADA],
    [422, 'invalid', `/blocks/b1/statuses/file@1/${'x'.repeat(257)}/runs`, {}, ADA],
    [422, 'invalid', `/blocks/b1/statuses/${'f'.repeat(90)}@1/x/runs`, {}, ADA],
    [404, 'unknown_block', '/blocks/b9/statuses/file@1/x/runs', {}, ADA],
    [404, 'unknown_status', '/blocks/b1/statuses/file@1/x/runs/r1/reports', { status: 'syncing' }, ADA],
    [422, 'invalid', `${FILE}/runs`, { status: 'failed' }, POLLER],
    [422, 'invalid', `${FILE}/runs`, { status: 'captured' }, ADA],
    [422, 'invalid', `${FILE}/runs`, { runId: '..' }, ADA],
    [422, 'invalid', report, { status: 'captured' }, ADA],
    [422, 'invalid', report, {}, ADA],
    [422, 'invalid', report, { status: 'syncing', error: 'x' }, POLLER],
    [422, 'invalid', report, { status: 'syncing', total: 3 }, POLLER],
    [422, 'invalid', report, { status: 'syncing', attempt: 0 }, POLLER],
    [422, 'invalid', report, { status: 'syncing', retryAt: -1 }, POLLER],
    [422, 'invalid', report, { status: 'syncing', stalled: { since: 1 } }, POLLER],
    [422, 'invalid', report, { status: 'synced', stalled: { since: 1, why: 'x' } }, POLLER],
    [422, 'invalid', report, { status: 'syncing', task: 'x'.repeat(257) }, POLLER],
    [422, 'invalid', report, { status: 'syncing', detail: { text: 'x'.repeat(4_096) } }, POLLER],
    [422, 'invalid', report, { status: 'syncing', more: 1 }, POLLER],
    [403, 'forbidden', report, { status: 'synced' }, ADA],
    [403, 'forbidden', report, { status: 'syncing', stalled: { since: 1, why: 'x' } }, ADA],
    [403, 'forbidden', report, { status: 'synced' }, { ...POLLER, 'x-joinery-source': 'resources' }],
    [403, 'forbidden', payment, { status: 'captured' }, ADA],
    [403, 'forbidden', payment, { status: 'captured' }, POLLER],
    [403, 'forbidden', payment, { status: 'captured' }, provider],
    [409, 'run_superseded', `${FILE}/runs`, {}, POLLER],
    [409, 'run_superseded', `${FILE}/runs/r9/reports`, { status: 'syncing' }, POLLER],
  ]
  for (const [status, code, path, body, headers] of cases) {
    const answer = await api.call('POST', path, body, headers)
    expect([answer.status, answer.body.error.code], `${path} ${JSON.stringify(body)}`).toEqual([status, code])
  }
  expect((await api.call('GET', '/blocks/b1')).body).toEqual(before)
})

it('[H81] with keys, only a caller whose token names the source speaks for the provider', async () => {
  const authenticator = await createAuthenticator({ secret: SECRET })
  await using api = await ApiFixture.start({ authenticator })
  await api.call('PUT', '/blocks/b1', { type: 'text' }, await bearer('ada'))
  const runs = '/blocks/b1/statuses/payment@1/o-7/runs'
  expect((await api.call('POST', runs, { runId: 'p1' }, await bearer('ada'))).status).toBe(201)
  const capture = (headers: Record<string, string>) =>
    api.call('POST', `${runs}/p1/reports`, { status: 'captured' }, headers)
  expect((await capture({ ...(await bearer('ada')), 'x-joinery-source': 'provider' })).status).toBe(403)
  expect((await capture(await bearer('ada'))).body.error.code).toBe('forbidden')
  const paid = await capture(await bearer('bank', { sources: ['provider'] }))
  expect(paid.body).toMatchObject({ shown: true, entry: { status: 'captured', source: 'provider', actor: 'bank' } })
})

it("[H80] an application's own machine is written through the same routes, by its own sources", async () => {
  const scan = defineMachine({
    name: 'scan@2',
    phases: [['asked'], ['clean', 'infected']],
    ranks: ['asked', 'clean', 'infected'],
    sources: { user_action: 2, scanner: 1 },
    only: { clean: ['scanner'], infected: ['scanner'] },
  })
  const lists = claimListsWith([scan])
  await using api = await ApiFixture.start({ lists, rules: defineDocumentRules({ lists }) })
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  const runs = '/blocks/b1/statuses/scan@2/f/runs'
  await api.call('POST', runs, { runId: 's1' }, ADA)
  const scanner = { 'x-joinery-source': 'scanner', 'x-joinery-actor': 's' }
  expect((await api.call('POST', `${runs}/s1/reports`, { status: 'clean' }, scanner)).body).toMatchObject({
    shown: true,
    entry: { status: 'clean', source: 'scanner' },
  })
  expect((await api.call('POST', `${runs}/s1/reports`, { status: 'clean' }, POLLER)).body.error.code).toBe('forbidden')
  const { paths } = (await api.call('GET', '/v1/openapi.json')).body
  expect(JSON.stringify(paths['/v1/workspaces/{workspace}/blocks/{block}/statuses/{machine}/{name}'])).toContain(
    'infected',
  )
})

it('[H82] a transaction writes statuses and edges beside blocks, all or none', async () => {
  await using api = await ApiFixture.start()
  const operations = [
    { op: 'put', block: 'a', type: 'text' },
    { op: 'startStatus', block: 'a', machine: 'file@1', name: 'f', runId: 'r1' },
    { op: 'reportStatus', block: 'a', machine: 'file@1', name: 'f', run: 'r1', status: 'syncing', progress: 1 },
    { op: 'putEdge', edge: 'e1', source: 'a', target: 'b', data: { label: 'then' }, onlyIfAbsent: true },
    { op: 'putEdge', edge: 'e2', source: 'a', target: 'c' },
    { op: 'deleteEdge', edge: 'e2' },
  ]
  const made = await api.call('POST', '/transactions', { operations }, { ...ADA, 'idempotency-key': 't' })
  expect(made.body).toMatchObject({
    lsn: 1,
    blocks: { a: { statuses: [{ name: 'f', status: 'syncing', progress: 1 }] } },
    edges: { e1: { source: 'a', target: 'b', data: { label: 'then' }, version: 1 }, e2: null },
  })
  expect((await api.call('POST', '/transactions', { operations }, { ...ADA, 'idempotency-key': 't' })).body).toEqual(
    made.body,
  )
  const refused = async (code: string, ...last: object[]) => {
    const first = { op: 'patch', block: 'a', fields: { n: 1 } }
    const answer = await api.call('POST', '/transactions', { operations: [first, ...last] }, ADA)
    expect(answer.body.error, JSON.stringify(last)).toMatchObject({ code, details: { operation: last.length } })
  }
  await refused('unknown_edge', { op: 'deleteEdge', edge: 'e2' })
  await refused('unknown_edge', { op: 'deleteEdge', edge: 'e1' }, { op: 'deleteEdge', edge: 'e1' })
  await refused('edge_exists', { op: 'putEdge', edge: 'e1', source: 'a', target: 'b', onlyIfAbsent: true })
  await refused('version_conflict', { op: 'deleteEdge', edge: 'e1', expectedVersion: 7 })
  await refused('unknown_status', { op: 'removeStatus', block: 'a', machine: 'file@1', name: 'x' })
  await refused('unknown_machine', { op: 'removeStatus', block: 'a', machine: 'file@7', name: 'f' })
  await refused(
    'forbidden',
    { op: 'startStatus', block: 'a', machine: 'payment@1', name: 'o', runId: 'p' },
    { op: 'reportStatus', block: 'a', machine: 'payment@1', name: 'o', run: 'p', status: 'captured' },
  )
  expect((await api.call('GET', '/blocks/a')).body).toEqual(made.body.blocks.a)
  const { body } = await api.call('POST', '/transactions', {
    operations: [{ op: 'deleteEdge', edge: 'e1', expectedVersion: 1 }],
  })
  expect(body).toMatchObject({ blocks: {}, edges: { e1: null } })
  expect((await api.call('GET', '/edges')).body.edges).toEqual([])
})

it('[H80] feed, diff and restore tell of statuses; a restore leaves what only others may say', async () => {
  const authenticator = await createAuthenticator({ secret: SECRET })
  await using api = await ApiFixture.start({ authenticator })
  const [ada, bank] = [await bearer('ada'), await bearer('bank', { sources: ['provider'] })]
  await api.call('PUT', '/blocks/b1', { type: 'text' }, ada)
  const runs = '/blocks/b1/statuses/payment@1/o-7/runs'
  await api.call('POST', runs, { runId: 'p1' }, ada)
  await api.call('POST', `${FILE}/runs`, { runId: 'f1' }, ada)
  await api.call('POST', `${FILE}/runs/f1/reports`, { status: 'syncing' }, ada)
  await api.call('POST', `${runs}/p1/reports`, { status: 'captured' }, bank)
  const diff = (await api.call('GET', '/diff?from=3&to=5', undefined, ada)).body
  expect(diff.changed[0].statuses).toMatchObject([
    { resource: 'file@1/a/report.pdf', before: { status: 'pending' }, after: { status: 'syncing' } },
    { resource: 'payment@1/o-7', before: { status: 'pending' }, after: { status: 'captured' } },
  ])
  const restored = await api.call('POST', '/restore', { lsn: 3 }, ada)
  expect(restored.status).toBe(200)
  expect((await api.call('GET', '/blocks/b1', undefined, ada)).body.statuses).toMatchObject([
    { machine: 'file@1', status: 'pending', run: { no: 2 } },
    { machine: 'payment@1', status: 'captured', run: { no: 1 } },
  ])
})
