import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addText, openPages, saved } from './open-pages.ts'

const pages = openPages()

it.skipIf(!pages.isThere)(
  '[E19, E60, E61] a text that was added before the canvas came has the focus, and a card shows Markdown as what it means, and opens to a large editor and back by keyboard',
  async () => {
    const canvas = Promise.withResolvers<void>()
    const prepare = async (page: Page): Promise<void> => {
      await page.route('**/assets/board-canvas-*', async (route) => {
        await canvas.promise
        await route.continue()
      })
    }
    const ann = await pages.visit('markdown', { prepare })
    const added = addText(ann)
    await ann.getByRole('button', { name: 'Undo' }).and(ann.locator(':enabled')).waitFor()
    canvas.resolve()
    await added
    await ann.keyboard.type('# Plan\n\ncut **once**')
    const field = ann.getByRole('textbox', { name: 'Content of Text 1' })
    await ann.keyboard.press('Control+Enter')
    const large = ann.getByRole('textbox', { name: 'Text of Text 1' })
    await large.waitFor()
    // The caret is in the last line, whose marks show; the heading's are hidden.
    await expect.poll(() => large.textContent()).toBe('Plancut **once**')
    await ann.keyboard.type(', not twice')
    await ann.keyboard.press('Escape')
    await large.waitFor({ state: 'detached' })
    await expect.poll(() => field.evaluate((it) => it === document.activeElement)).toBe(true)
    expect(await field.inputValue()).toBe('# Plan\n\ncut **once**, not twice')
    await ann.getByRole('heading', { level: 1 }).click()
    const shown = ann.locator('.rendered')
    await expect.poll(() => shown.locator('.heading').textContent()).toBe('Plan')
    expect(await shown.locator('strong').textContent()).toBe('once')
    await saved(ann)
    // A text that goes on below fades out, until its end is in view.
    const isFading = () => shown.evaluate((it) => getComputedStyle(it).maskImage !== 'none')
    expect(await isFading()).toBe(false)
    await field.fill(`# Plan\n${'- **once** more\n'.repeat(40)}`)
    await field.press('Control+End')
    const scrolled = () => field.evaluate((it) => it.scrollTop)
    expect(await scrolled()).toBeGreaterThan(0)
    // At rest the card shows how the text begins.
    await ann.getByRole('heading', { level: 1 }).click()
    await expect.poll(scrolled).toBe(0)
    await expect.poll(isFading).toBe(true)
    await field.evaluate((it) => it.scrollTo(0, it.scrollHeight))
    await expect.poll(isFading).toBe(false)
  },
)
