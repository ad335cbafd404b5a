import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PlanWorker } from '../client/offline-task.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { requireChromium } from './chromium.ts'
import { sdkPages } from './sdk-pages.ts'

const executable = requireChromium()

describe.skipIf(executable === undefined)('in a real browser', () => {
  const { open, tabsOf, showsStatus, errors } = sdkPages(executable ?? '')

  it('[C131] a task that two tabs ask for without the server is started once, also when the tabs were closed meanwhile', async () => {
    await using directory = await tempDirectory()
    const options = { directory: join(directory.path, 'data') }
    const first = await startJoinery(options)
    const { port, url } = first
    await using plan = await PlanWorker.start(url)
    const tab = await tabsOf((await open(url)).url())
    const one = await tab()
    await showsStatus(one, 'saved')
    await one.locator('textarea').pressSequentially('a plan')
    await showsStatus(one, 'saved')
    await first.child.end('SIGKILL')
    await showsStatus(one, 'kept here')
    const two = await tab()
    await Promise.all([one.getByRole('button').click(), two.getByRole('button').click()])
    await Promise.all([one, two].map((tab) => tab.waitForSelector('body[data-task=queued]')))
    await Promise.all([showsStatus(one, 'kept here'), showsStatus(two, 'kept here')])
    await one.close()
    await two.close()
    const page = await tab()
    await page.waitForSelector('body[data-task=queued]')

    await using again = await startJoinery({ ...options, port })
    await page.waitForSelector('body[data-task=running]')
    await plan.finish()
    await page.waitForSelector('body[data-task=done]')
    expect([plan.calls, again.port, errors]).toEqual([1, port, []])
  })
})
