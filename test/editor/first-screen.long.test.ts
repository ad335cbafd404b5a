import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { openPages } from './open-pages.ts'

const pages = openPages()

/** Longest time that a visitor watches before they have seen the point, ms of the page's own clock. */
const PATIENCE_MS = 15_000

/** The page's own clock stands still, and the test moves it on, so that nobody waits for it. */
async function stopClock(page: Page): Promise<void> {
  await page.clock.install({ time: 0 })
  await page.clock.pauseAt(1_000)
}

it.skipIf(!pages.isThere)(
  '[E48] a visitor types into one board, and both have it; then the left one loses it',
  async () => {
    const page = await pages.open(`${pages.httpUrl}/`, { prepare: stopClock })
    const field = (name: string) => page.getByRole('region', { name, exact: true }).getByRole('textbox')
    await field('Joinery').waitFor()
    await page.clock.runFor(800)
    await field('Joinery').press('Control+End')
    await field('Joinery').pressSequentially(' Mine, too.')
    expect(await field('Last writer wins').inputValue()).toBe('Oak boards, cut to length. Mine, too.')
    await page.clock.runFor(PATIENCE_MS)
    await page.getByText('Lost: Mine, too.').waitFor()
    expect(await field('Joinery').inputValue()).toBe('Oak boards, planed and cut to length. Mine, too.')
    await page.getByRole('button', { name: 'Play again' }).click()
    expect(await field('Last writer wins').inputValue()).toBe('Oak boards, cut to length.')
    expect(await page.getByRole('link', { name: 'Open a board' }).getAttribute('href')).toBe('/w/demo')
  },
)
