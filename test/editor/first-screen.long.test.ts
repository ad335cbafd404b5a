import { expect, it } from 'vitest'
import { openPages } from './open-pages.ts'
import { PATIENCE_MS, stopClock } from './stopped-clock.ts'

const pages = openPages()

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
