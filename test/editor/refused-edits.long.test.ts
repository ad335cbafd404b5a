import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { openPages, saved, shownText, typeIn } from './open-pages.ts'

const pages = openPages()
/** A refused edit is an error on the console, and so is a server that has gone. */
afterEach(() => void pages.errors.splice(0))

it.skipIf(!pages.isThere)(
  '[P9] a text that the server refuses stands in the tray, to copy at once and to put back when it is taken again',
  async () => {
    await using home = await tempDirectory()
    const options = { directory: join(home.path, 'data'), port: await freePort() }
    const long = 'Measure twice, cut once. '.repeat(4_000)
    const page = await (async () => {
      // A day's share of what one person may write: a little is taken, and a long text is not.
      await using server = await startJoinery({ ...options, env: { JOINERY_BYTES_PER_DAY: '50000' } })
      const ann = await pages.open(`http://127.0.0.1:${options.port}/w/refused`, {
        permissions: ['clipboard-read', 'clipboard-write'],
      })
      await saved(ann)
      await ann.getByRole('button', { name: 'Add text block' }).click()
      await typeIn(ann, 'Text 1', 'Kept.')
      await saved(ann)
      await ann.keyboard.insertText(long)
      await ann.getByRole('button', { name: 'Set aside 1 to read' }).click()
      const panel = ann.getByRole('complementary', { name: 'Set aside' })
      await panel.getByText(/^The server refused these edits: /).waitFor()
      await panel.getByRole('button', { name: 'Copy' }).click()
      await panel.getByRole('button', { name: 'Copied' }).waitFor()
      expect(await ann.evaluate(() => navigator.clipboard.readText())).toBe(`Kept.${long}`)
      await server.child.end('SIGTERM')
      return ann
    })()
    await using server = await startJoinery(options)
    await page.reload()
    await saved(page)
    expect(await shownText(page, 'Text 1')).toBe('Kept.')
    await page.getByRole('button', { name: 'Set aside 1 to read' }).click()
    await page.getByRole('button', { name: 'Put back', exact: true }).click()
    await expect.poll(() => shownText(page, 'Text 1')).toBe(`Kept.${long}`)
    await saved(page)
    // It is an edit of this person: the key takes it back from the button of the panel.
    await page.keyboard.press('Control+Z')
    await expect.poll(() => shownText(page, 'Text 1')).toBe('Kept.')
    await server.child.end('SIGTERM')
  },
)
