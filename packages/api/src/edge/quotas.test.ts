import { createAuthenticator, Quotas, type QuotaUse } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'

const start = (quotas: Quotas, authenticator = createAuthenticator({ secret: SECRET })) =>
  ApiFixture.start({ authenticator, quotas })

async function put(api: ApiFixture, path: string, headers: Record<string, string>, content = 'x') {
  const {
    status,
    body,
    headers: sent,
  } = await api.call('PUT', `/v1/workspaces/${path}`, { type: 'text', content }, headers)
  return { status, code: body.error?.code, retryAfter: Number(sent.get('retry-after')) }
}

it('[H66, H67] workspaces, keys and bytes beyond a quota are refused with codes of their own, and others go on', async () => {
  const quotas = new Quotas({
    limits: { workspacesPerPrincipalMax: 2, keysPerPrincipalMax: 1, bytesPerDayMax: 20_000 },
  })
  await using api = await start(quotas)
  const [eve, ann] = await Promise.all([bearer('eve'), bearer('ann')])
  expect((await put(api, 'a/blocks/b', eve)).status).toBe(201)
  expect((await api.call('POST', '/v1/workspaces/c/leases', { name: 'n', ttlMs: 60_000 }, eve)).status).toBe(201)
  expect(await put(api, 'd/blocks/b', eve)).toMatchObject({ status: 403, code: 'quota_workspaces' })
  const lease = await api.call('POST', '/v1/workspaces/d/leases', { name: 'n', ttlMs: 60_000 }, eve)
  expect(lease).toMatchObject({ status: 403, body: { error: { code: 'quota_workspaces' } } })
  expect((await api.call('GET', '/v1/workspaces', undefined, eve)).body.workspaces).toEqual(['a', 'c'])
  expect((await put(api, 'a/blocks/c', { ...eve, 'idempotency-key': 'one' })).status).toBe(201)
  expect((await put(api, 'a/blocks/c', { ...eve, 'idempotency-key': 'one' })).status).toBe(201)
  expect(await put(api, 'a/blocks/d', { ...eve, 'idempotency-key': 'two' })).toMatchObject({
    status: 403,
    code: 'quota_keys',
  })
  expect((await put(api, 'a/blocks/d', eve, 'y'.repeat(30_000))).status).toBe(201)
  const late = await put(api, 'a/blocks/e', eve)
  expect(late).toMatchObject({ status: 429, code: 'quota_bytes' })
  expect(late.retryAfter).toBeGreaterThan(0)
  expect(late.retryAfter).toBeLessThanOrEqual(86_400)
  expect((await put(api, 'a/blocks/e', ann)).status).toBe(201)
  expect((await put(api, 'd/blocks/b', { ...ann, 'idempotency-key': 'one' })).status).toBe(201)
  expect((await api.call('GET', '/v1/workspaces/a', undefined, eve)).body.blocks).toBe(4)
  expect(Object.fromEntries(api.api.refused)).toEqual({ quota_workspaces: 2, quota_keys: 1, quota_bytes: 1 })
})

it('[H66] without tokens an address has the quotas, whatever name a request gives', async () => {
  await using api = await ApiFixture.start({ quotas: new Quotas({ limits: { workspacesPerPrincipalMax: 1 } }) })
  expect((await put(api, 'a/blocks/b', { 'x-joinery-actor': 'eve' })).status).toBe(201)
  expect(await put(api, 'c/blocks/b', { 'x-joinery-actor': 'ann' })).toMatchObject({
    status: 403,
    code: 'quota_workspaces',
  })
})

it('[S184] use is saved and counts on after a restart; bytes count anew on the next day, and a clock that goes back gives none', async () => {
  let nowMs = Date.UTC(2026, 0, 2, 23, 59)
  const saved: QuotaUse[][] = []
  const save = async (all: readonly QuotaUse[]) => void saved.push([...all])
  const limits = { workspacesPerPrincipalMax: 1, bytesPerDayMax: 100 }
  const first = new Quotas({ limits, save, now: () => nowMs })
  const need = { makesWorkspace: true, hasKey: false, bytes: 60 }
  const again = { ...need, makesWorkspace: false }
  expect(first.refusalOf('eve', need)).toBe(undefined)
  first.count('eve', need)
  first.count('ann', { ...again, bytes: 1 })
  await first.close()
  const second = new Quotas({ limits, known: saved.at(-1) ?? [], save, now: () => nowMs })
  expect(second.refusalOf('eve', need)?.code).toBe('quota_workspaces')
  expect(second.refusalOf('eve', again)?.code).toBe('quota_bytes')
  nowMs += 60_000
  expect(second.refusalOf('eve', again)).toBe(undefined)
  expect(second.refusalOf('eve', need)?.code).toBe('quota_workspaces')
  second.count('eve', again)
  nowMs -= 86_400_000
  expect(second.refusalOf('eve', again)?.code).toBe('quota_bytes')
  nowMs += 2 * 86_400_000
  second.count('eve', { ...again, bytes: 0 })
  await second.close()
  // Nothing of a day that is over is kept, but the workspaces are.
  expect(saved.at(-1)).toMatchObject([{ principal: 'eve', workspaces: 1 }])
})

it('[S390] what other servers have counted counts here, and what this one has told comes back to it after a loss', async () => {
  const now = () => Date.UTC(2026, 0, 2)
  const told: QuotaUse[] = []
  const limits = { workspacesPerPrincipalMax: 3, bytesPerDayMax: 100, keysPerPrincipalMax: 2 }
  const share = async (changed: readonly QuotaUse[]) => void told.push(...changed)
  const one = new Quotas({ limits, share, now })
  one.count('eve', { makesWorkspace: true, hasKey: true, bytes: 60 })
  one.count('eve', { makesWorkspace: true, hasKey: false, bytes: 10 })
  await one.close()
  expect(told).toHaveLength(1)
  const [use] = told
  if (use === undefined) throw new Error('one use was told')
  const two = new Quotas({ limits, now })
  const need = { makesWorkspace: true, hasKey: true, bytes: 10 }
  two.count('eve', need)
  for (const _ of [1, 2]) two.learn('one', use)
  expect(two.refusalOf('eve', need)?.code).toBe('quota_workspaces')
  expect(two.refusalOf('eve', { ...need, makesWorkspace: false })?.code).toBe('quota_keys')
  expect(two.refusalOf('eve', { makesWorkspace: false, hasKey: false, bytes: 21 })?.code).toBe('quota_bytes')
  expect(two.refusalOf('ann', need)).toBe(undefined)
  two.learn('one', { ...use, day: use.day - 1 })
  expect(two.refusalOf('eve', { makesWorkspace: false, hasKey: false, bytes: 21 })).toBe(undefined)
  const emptied = new Quotas({ limits, now })
  emptied.learn('own', use)
  emptied.learn('own', use)
  emptied.count('eve', { makesWorkspace: true, hasKey: false, bytes: 0 })
  expect(emptied.refusalOf('eve', need)?.code).toBe('quota_workspaces')
})
