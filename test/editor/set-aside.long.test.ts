import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { TWO_LOOKS, violationsIn } from './axe.ts'
import { openPages, saved, shownText, statusOf, typeIn } from './open-pages.ts'

const pages = openPages()

/** The panel, while it is open. */
const panelOf = (page: Page) => page.getByRole('complementary', { name: 'Set aside' })

describe.skipIf(!pages.isThere)('the panel of what was set aside', () => {
  /** Complaints are what is expected of a page whose server has gone. */
  afterEach(() => void pages.errors.splice(0))

  it('[E11, P9] gives a person back what they wrote offline, after the workspace became another one', async () => {
    await using home = await tempDirectory()
    const options = { directory: join(home.path, 'data'), port: await freePort() }
    const address = `http://127.0.0.1:${options.port}/w/aside`
    const ann = await (async () => {
      await using server = await startJoinery(options)
      const page = await pages.open(address)
      await saved(page)
      await page.getByRole('button', { name: 'Add text block' }).click()
      await typeIn(page, 'Text 1', 'Measure twice.')
      await saved(page)
      await server.child.end('SIGKILL')
      return page
    })()
    await statusOf(ann)
      .getByText(/^Offline/)
      .waitFor()
    await typeIn(ann, 'Text 1', ' Cut once.')
    await statusOf(ann)
      .getByText(/edits? kept on this device/)
      .waitFor()
    await rm(options.directory, { recursive: true })
    await using server = await startJoinery(options)
    const open = ann.getByRole('button', { name: 'Set aside 1 to read' })
    await open.waitFor()
    await ann.getByRole('button', { name: 'Understood' }).click()
    await saved(ann)

    // A later visit offers it as well.
    await ann.reload()
    await saved(ann)
    await open.click()
    const panel = panelOf(ann)
    await panel.getByText('The workspace on the server is another one now.').waitFor()
    await panel.getByText('There is no such block any more.').waitFor()
    await panel.locator('ins').getByText('Measure twice. Cut once.').waitFor()
    expect(await violationsIn(ann, TWO_LOOKS, 'aside')).toEqual([])
    await panel.getByRole('button', { name: 'Put back as a new block' }).click()
    await expect.poll(() => shownText(ann, 'Text 1 (set aside)')).toBe('Measure twice. Cut once.')
    await saved(ann)
    await ann.getByRole('button', { name: 'Undo' }).click()
    await ann.getByRole('region', { name: 'Text 1 (set aside)' }).waitFor({ state: 'detached' })
    await ann.getByRole('button', { name: 'Redo' }).click()
    await expect.poll(() => shownText(ann, 'Text 1 (set aside)')).toBe('Measure twice. Cut once.')

    const download = ann.waitForEvent('download')
    await panel.getByRole('link', { name: 'Download' }).click()
    expect((await download).suggestedFilename()).toMatch(/^set-aside-.+\.bin$/)

    await panel.getByRole('button', { name: 'Delete' }).click()
    await panel.getByRole('button', { name: 'Keep' }).click()
    await panel.getByRole('button', { name: 'Delete' }).click()
    await panel.getByRole('button', { name: 'Delete for good' }).click()
    await panel.getByText('Nothing is set aside.').waitFor()
    await ann.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    await ann.getByRole('button', { name: /^Set aside/ }).waitFor({ state: 'detached' })
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('History')
    const bob = await pages.open(address)
    await saved(bob)
    expect(await shownText(bob, 'Text 1 (set aside)')).toBe('Measure twice. Cut once.')
    await server.child.end('SIGTERM')
  })
})
