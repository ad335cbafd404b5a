import { connectWorkspace, uploadsOf } from '@joinery/client'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { violations } from './axe.ts'
import { dropFile, dropMany, PIXEL, pasteFile } from './drop-files.ts'
import { openPages } from './open-pages.ts'

const pages = openPages()

const fileIn = (page: Page, name: string) => page.locator(`.file[data-resource="${name}"]`)

it.skipIf(!pages.isThere)(
  '[E80, P14, R29] a file that is dropped onto a block shows to everybody with its size, and can be downloaded',
  async () => {
    const ann = await pages.visit('files')
    const bob = await pages.visit('files')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    const block = await pages.idOf('files', 'Text 1')
    await dropFile(ann, `[data-block="${block}"]`, { name: 'plan ä.txt', type: 'text/plain', text: 'measure twice' })
    for (const page of [ann, bob]) {
      await fileIn(page, 'plan ä.txt').getByText('13 B, saved').waitFor()
      expect(await fileIn(page, 'plan ä.txt').getAttribute('data-state')).toBe('synced')
    }
    const job = connectWorkspace({ url: pages.url, workspace: 'files', actor: 'job' })
    try {
      const { url, type } = await uploadsOf(job).download(block, 'plan ä.txt')
      const answer = await fetch(url)
      expect([type, await answer.text()]).toEqual(['text/plain', 'measure twice'])
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment;/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    } finally {
      await job.close()
    }
    await dropFile(ann, `[data-block="${block}"]`, { name: 'plan ä.txt', type: 'text/plain', text: 'cut once' })
    await fileIn(bob, 'plan ä (2).txt').getByText('8 B, saved').waitFor()
    // The page and the server tell how far a file is, and do not contradict each other.
    for (const page of [ann, bob]) await page.getByRole('button', { name: 'Conflicts', exact: true }).waitFor()
  },
)

it.skipIf(!pages.isThere)(
  '[E81] a picture that is pasted beside all blocks gets a block of its own, and is drawn for everybody',
  async () => {
    const ann = await pages.visit('pictures')
    const bob = await pages.visit('pictures')
    await pasteFile(ann, 'main', { name: 'image.png', type: 'image/png', base64: PIXEL })
    for (const page of [ann, bob]) {
      const picture = fileIn(page, 'image.png').locator('img')
      await picture.waitFor()
      await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1)
    }
    expect(await pages.blocks('pictures')).toHaveLength(1)
  },
)

it.skipIf(!pages.isThere)(
  '[E112] fifty files that are dropped at once all arrive, and a folder among them is named',
  async () => {
    const ann = await pages.visit('fifty')
    await dropMany(ann, 'main', 50, 'photos')
    await ann.getByRole('alert').getByText('“photos” can’t be read as files').waitFor()
    await expect.poll(() => ann.locator('.file[data-state="synced"]').count(), { message: 'all are saved' }).toBe(50)
    expect(await pages.blocks('fifty')).toHaveLength(1)
  },
)

it.skipIf(!pages.isThere)(
  '[E11, E131, E80] a chosen file that is refused says why beside its way to try again, the others see that it was canceled, and the card keeps its buttons in sight',
  async () => {
    const ann = await pages.visit('chosen', { viewport: { width: 375, height: 760 } })
    const bob = await pages.visit('chosen', { viewport: { width: 1280, height: 800 } })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    const block = await pages.idOf('chosen', 'Text 1')
    const choose = async (name: string): Promise<void> => {
      const asked = ann.waitForEvent('filechooser')
      await ann.getByRole('button', { name: 'Add file to Text 1' }).click()
      await (await asked).setFiles([{ name, mimeType: 'image/png', buffer: Buffer.from(PIXEL, 'base64') }])
    }
    await ann.route('**/v1/blobs/**', (route) =>
      route.request().method() === 'PUT' ? route.fulfill({ status: 413 }) : route.continue(),
    )
    await choose('a picture with a very long name that does not fit.png')
    const own = ann.locator(`[data-block="${block}"] .file`)
    await own.getByText('(413)').waitFor()
    await bob.locator(`[data-block="${block}"] .file`).getByText('canceled by').waitFor()
    expect(await violations(ann)).toEqual([])
    pages.errors.splice(0)

    await ann.unroute('**/v1/blobs/**')
    await own.getByRole('button', { name: 'Try again' }).click()
    for (const page of [ann, bob]) await page.locator('.file[data-state="synced"]').first().waitFor()
    for (const name of ['b.png', 'c.png', 'd.png'])
      await dropFile(ann, `[data-block="${block}"]`, { name, type: '', text: name })
    await expect.poll(() => bob.locator('.file[data-state="synced"]').count()).toBe(4)
    for (const page of [ann, bob]) {
      const [card, button] = await Promise.all([
        page.locator(`[data-block="${block}"]`).boundingBox(),
        page.locator(`[data-block="${block}"]`).getByRole('button', { name: 'Connect' }).boundingBox(),
      ])
      const bottom = (box: typeof card): number => (box === null ? Number.NaN : box.y + box.height)
      expect(bottom(button)).toBeLessThanOrEqual(bottom(card))
    }
  },
)
