import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addText, openPages, saved } from './open-pages.ts'

const pages = openPages()
const LINE = `${'Measure twice, cut once. '.repeat(10).trimEnd()}\n`

/** Pastes that many characters from the clipboard into the field that has the focus. */
async function paste(page: Page, length: number): Promise<void> {
  const text = { line: LINE, count: length / LINE.length }
  await page.evaluate(({ line, count }) => navigator.clipboard.writeText(line.repeat(count)), text)
  await page.keyboard.press('Control+V')
}

it.skipIf(!pages.isThere)(
  '[E130] a paste of 2 MB is in the text, saved and undone as one step; a longer one is a file of the block',
  async () => {
    const ann = await pages.visit('long-paste', { permissions: ['clipboard-read', 'clipboard-write'] })
    await addText(ann)
    await ann.keyboard.type('before')
    await paste(ann, 2_000_000)
    await expect.poll(async () => (await pages.contentOf('long-paste', 'Text 1'))?.length).toBe(2_000_006)
    await saved(ann)
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => pages.contentOf('long-paste', 'Text 1')).toBe('before')
    await paste(ann, 4_000_250)
    await ann.getByRole('alert').getByText('they are kept as a file of the block').waitFor()
    await ann.locator('.file[data-resource="pasted text.txt"]').getByText('saved').waitFor()
    expect(await pages.contentOf('long-paste', 'Text 1')).toBe('before')
  },
)
