import { expect, it } from 'vitest'
import { openPages } from './open-pages.ts'
import { PATIENCE_MS, stopClock } from './stopped-clock.ts'

const pages = openPages()

it.skipIf(!pages.isThere)(
  '[E48] without a click the left board loses the visitor’s sentence and its status goes back, and the right board keeps both',
  async () => {
    const page = await pages.open(`${pages.httpUrl}/`, { prepare: stopClock })
    const left = page.getByRole('region', { name: 'Last writer wins' })
    const right = page.getByRole('region', { name: 'Joinery', exact: true })
    await left.waitFor()
    await page.clock.runFor(PATIENCE_MS)
    expect(await left.getByRole('listitem').allTextContents()).toEqual([
      'Lost: Leave room for wood that moves.',
      'The status went back 3 times.',
    ])
    expect(await right.getByRole('listitem').allTextContents()).toEqual([
      'Every word is there.',
      'The status never went back.',
    ])
    expect(await right.getByRole('textbox').inputValue()).toBe(
      'Oak boards, planed and cut to length. Leave room for wood that moves.',
    )
    expect(await left.getByRole('textbox').inputValue()).toBe('Oak boards, planed and cut to length.')
  },
)
