import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

const WORKFLOW = { 'x-joinery-source': 'workflow_execution', 'x-joinery-actor': 'engine' }
const POLLER = { 'x-joinery-source': 'polling_sync', 'x-joinery-actor': 'poller' }

async function withBlock(): Promise<ApiFixture> {
  const api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  return api
}

it('[H7] a run is started, reported on and removed', async () => {
  await using api = await withBlock()
  const started = await api.call(
    'POST',
    '/blocks/b1/indexing/my%2Findex/runs',
    { collectionConfigs: { size: 3 }, runId: 'r1' },
    WORKFLOW,
  )
  expect(started.status).toBe(201)
  expect(started.body).toMatchObject({
    shown: true,
    version: 2,
    entry: {
      index_name: 'my/index',
      run: { no: 1, id: 'r1', source: 'workflow_execution' },
      status: 'processing',
      actor: 'engine',
    },
  })
  const reports = '/blocks/b1/indexing/my%2Findex/runs/r1/reports'
  expect((await api.call('POST', reports, { status: 'processing', chunks: 5 }, WORKFLOW)).body).toMatchObject({
    shown: true,
    entry: { chunks: 5 },
  })
  for (const told of [{ progress: 0.5 }, { progress: 3, total: 10 }]) {
    const answer = await api.call('POST', reports, { status: 'processing', ...told }, WORKFLOW)
    expect(answer.body).toMatchObject({ shown: true, entry: told })
  }
  for (const wrong of [{ progress: -1 }, { progress: '3' }, { total: 3 }, { progress: 4, total: 3 }]) {
    const answer = await api.call('POST', reports, { status: 'processing', ...wrong }, WORKFLOW)
    expect([answer.status, answer.body.error.code]).toEqual([422, 'invalid'])
  }
  const failed = await api.call('POST', reports, { status: 'error', error: 'no disk' }, WORKFLOW)
  expect(failed.body).toMatchObject({
    shown: true,
    entry: { status: 'error', error: 'no disk', collection_configs: { size: 3 } },
  })
  const late = await api.call('POST', reports, { status: 'done' }, POLLER)
  expect(late.status).toBe(200)
  expect(late.body).toMatchObject({ shown: false, entry: { status: 'error', source: 'workflow_execution' } })
  const removed = await api.call('DELETE', '/blocks/b1/indexing/my%2Findex')
  expect(removed.status).toBe(204)
  expect((await api.call('GET', '/blocks/b1')).body.indexingList).toEqual([])
  expect((await api.call('DELETE', '/blocks/b1/indexing/my%2Findex')).body.error.code).toBe('unknown_index')
})

it('[H8] a run that another has superseded gets 409 with the entry that stands, and nothing changes', async () => {
  await using api = await withBlock()
  const runs = '/blocks/b1/indexing/main/runs'
  await api.call('POST', runs, { runId: 'r1' }, WORKFLOW)
  await api.call('POST', runs, { runId: 'r2' })
  const before = (await api.call('GET', '')).body.lsn
  const late = await api.call('POST', `${runs}/r1/reports`, { status: 'done' }, WORKFLOW)
  expect(late.status).toBe(409)
  expect(late.body.error).toMatchObject({
    code: 'run_superseded',
    details: { standing: { run: { no: 2, id: 'r2', source: 'user_action' } } },
  })
  const shielded = await api.call('POST', runs, {}, POLLER)
  expect(shielded.body.error).toMatchObject({ code: 'run_superseded', details: { standing: { run: { id: 'r2' } } } })
  expect((await api.call('GET', '')).body.lsn).toBe(before)
})

it('[H8] a late report that says how its run was started stands in the history, and changes nothing that is shown', async () => {
  await using api = await withBlock()
  const runs = '/blocks/b1/indexing/main/runs'
  const { run: old } = (await api.call('POST', runs, { runId: 'r1' }, WORKFLOW)).body.entry
  await api.call('POST', runs, { runId: 'r2' })
  const standing = (await api.call('GET', '/blocks/b1')).body.indexingList
  const started = { no: old.no, source: old.source }
  const key = { 'idempotency-key': 'late' }
  const late = await api.call('POST', `${runs}/r1/reports`, { status: 'done', started }, { ...WORKFLOW, ...key })
  expect(late.status).toBe(200)
  expect(late.body).toMatchObject({ shown: false, entry: { run: { id: 'r2' }, status: 'processing' } })
  const again = await api.call('POST', `${runs}/r1/reports`, { status: 'done', started }, { ...WORKFLOW, ...key })
  expect(again.body).toEqual(late.body)
  expect((await api.call('GET', '/blocks/b1')).body.indexingList).toEqual(standing)
  const { records } = (await api.call('GET', '/history?actor=engine')).body
  expect(records.at(-1)).toMatchObject({ touched: ['b1/indexingList'], source: 'workflow_execution' })
  expect(records).toHaveLength(2)
})

it('[H8] a report of a run that nobody started over the standing one is refused, whatever it says', async () => {
  await using api = await withBlock()
  const runs = '/blocks/b1/indexing/main/runs'
  await api.call('POST', runs, { runId: 'r1' }, WORKFLOW)
  const before = (await api.call('GET', '')).body.lsn
  for (const started of [
    { no: 2, source: 'polling_sync' },
    { no: 1, source: 'user_action' },
    { no: 1, source: 'workflow_execution' },
  ]) {
    const claimed = await api.call('POST', `${runs}/r9/reports`, { status: 'done', started }, WORKFLOW)
    expect(claimed.body.error.code).toBe('run_superseded')
  }
  expect((await api.call('GET', '')).body.lsn).toBe(before)
})
