import { CLOSE } from '@joinery/protocol'
import { afterEach, expect, it } from 'vitest'
import { Quotas } from '../quotas.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

it('[S184] a stock client that creates too many workspaces is closed for good, one that writes too much for now', async () => {
  const quotas = new Quotas({ limits: { workspacesPerPrincipalMax: 1, bytesPerDayMax: 2_000 } })
  fixture = await ServerFixture.start({ quotas })
  const first = await fixture.client('w').synced()
  first.text.insert(0, 'typed')
  // The server sends a writer nothing when a record is written: no frame would end `until`.
  await expect.poll(() => fixture.server.counters.records).toBe(1)
  const second = await fixture.client('v').synced()
  second.text.insert(0, 'typed')
  await second.until(() => second.closed !== undefined)
  expect(second.closed?.code).toBe(CLOSE.forbidden)
  first.text.insert(0, 'x'.repeat(3_000))
  await first.until(() => first.closed !== undefined)
  expect(first.closed?.code).toBe(CLOSE.refusedForNow)
  expect([...fixture.server.counters.refused]).toEqual([
    ['quota_workspaces', 1],
    ['quota_bytes', 1],
  ])
})
