import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { openPages } from './open-pages.ts'

const pages = openPages()

it.skipIf(!pages.isThere)('[E40] the page tells which job holds what and who waits, and that nobody does', async () => {
  const job = connectWorkspace({ url: pages.url, workspace: 'leases', actor: 'engine', source: 'workflow_execution' })
  try {
    const lease = await job.leases.acquire('nightly-import', { holder: 'import 7', ttlMs: 60_000 })
    const answer = Promise.withResolvers<void>()
    const ann = await pages.visit('leases')
    await ann.route('**/leases', async (route) => {
      await answer.promise
      await route.continue()
    })
    await ann.getByRole('button', { name: 'Leases' }).click()
    const panel = ann.getByRole('complementary', { name: 'Leases' })
    await panel.getByText('Reading…').waitFor()
    answer.resolve()
    await panel.getByText('nightly-import').waitFor()
    await panel.getByText('import 7 (engine) has held it since').waitFor()
    const next = job.leases.acquire('nightly-import')
    await panel.getByText('One more waits for it.').waitFor()
    await lease.release()
    await panel.getByText('engine has held it since', { exact: false }).waitFor()
    await (await next).release()
    await panel.getByText('No job holds a lease now.').waitFor()
    await ann.keyboard.press('Escape')
    await expect.poll(() => panel.count()).toBe(0)
  } finally {
    await job.close()
  }
})
