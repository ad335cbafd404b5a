import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { ALL_LOOKS, outOfReach, THREE_LOOKS, TWO_LOOKS, violations, violationsIn } from './axe.ts'
import { openPages, typeIn } from './open-pages.ts'

const pages = openPages()
/** Elements that move, or fade, for longer than a moment. */
function moving(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const secondsOf = (list: string): number => Math.max(...list.split(',').map((each) => Number.parseFloat(each)))
    return [...document.querySelectorAll('*')]
      .filter((it) => {
        const { animationName, animationDuration, transitionDuration } = getComputedStyle(it)
        return (
          secondsOf(transitionDuration) > 0.001 || (animationName !== 'none' && secondsOf(animationDuration) > 0.001)
        )
      })
      .map((it) => it.outerHTML.slice(0, 100))
  })
}

describe.skipIf(!pages.isThere)('the page for everybody', () => {
  it('[E11, E140, P16] axe finds nothing serious, light or dark, wide, enlarged or on a phone, with each panel open, nothing covers a tool, and motion can be reduced', async () => {
    // By chance, both could be given one name: then there is nobody to mention.
    const ann = await pages.visit('axe', { person: 'Ann' })
    expect(await violationsIn(ann, TWO_LOOKS)).toEqual([])
    // By choice: otherwise a small page shows the list, and the canvas is drawn anew some time after it is wide again.
    await ann.getByRole('button', { name: 'Canvas', exact: true }).click()
    const bob = await pages.visit('axe', { person: 'Bob' })
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(bob, 'Text 1', 'Measure twice, cut once.')
    await ann.getByRole('button', { name: 'Connect Text 1 to…' }).click()
    await ann.getByRole('combobox', { name: 'Connect Text 1 to' }).selectOption({ label: 'Collection 1' })
    await ann.getByRole('region', { name: 'Collection 1' }).getByRole('button', { name: 'Start index' }).click()
    await ann.getByText(/main: (Done|Failed)/).waitFor()
    await ann.locator('.caret').waitFor({ state: 'attached' })
    await ann.getByRole('button', { name: 'Connect Collection 1 to…' }).click()
    expect(await violationsIn(ann, TWO_LOOKS)).toEqual([])
    await ann.getByRole('group', { name: 'Text 1', exact: true }).focus()
    await ann.keyboard.press('Enter')
    await ann.keyboard.press('Control+G')
    await ann.getByRole('region', { name: 'Frame 1' }).waitFor()
    await bob.getByRole('button', { name: 'Comment on Text 1' }).click()
    await bob.getByRole('textbox', { name: 'Comment on Text 1' }).fill('Is it so?')
    await bob.keyboard.press('Control+Enter')
    await ann.getByRole('button', { name: 'Comments on Text 1: 1 open' }).waitFor()
    expect(await violationsIn(ann, ALL_LOOKS)).toEqual([])
    await expect.poll(() => moving(ann)).not.toEqual([])
    await ann.emulateMedia({ reducedMotion: 'reduce' })
    expect(await moving(ann)).toEqual([])
    await ann.emulateMedia({ reducedMotion: 'no-preference' })
    await ann.keyboard.press('Control+K')
    await ann.getByRole('listbox', { name: 'Results' }).waitFor()
    expect(await violationsIn(ann, THREE_LOOKS, 'dialog')).toEqual([])
    await ann.keyboard.press('Escape')
    await ann.getByRole('button', { name: 'List', exact: true }).click()
    expect(await violationsIn(ann, THREE_LOOKS)).toEqual([])
    await ann.getByRole('button', { name: 'Canvas', exact: true }).click()
    await ann.getByRole('button', { name: 'Large editor of Text 1' }).click()
    await ann.getByRole('button', { name: 'Who wrote what' }).click()
    await ann.getByRole('list', { name: 'Authors' }).waitFor()
    expect(await violationsIn(ann, THREE_LOOKS, 'dialog')).toEqual([])
    await ann.keyboard.press('Escape')
    for (const panel of ['Comments', 'History', 'Conflicts', 'Leases', 'Demonstration']) {
      await ann.getByRole('button', { name: panel, exact: true }).click()
      const shown = ann.getByRole('complementary', { name: panel })
      await shown.waitFor()
      await shown.getByText(/^Reading/).waitFor({ state: 'detached' })
      if (panel === 'Comments') {
        await ann.getByRole('button', { name: 'New thread' }).click()
        await ann.keyboard.type('@')
        await ann.getByRole('listbox', { name: 'People to mention' }).waitFor()
        expect(await outOfReach(ann)).toEqual([])
      }
      expect(await violationsIn(ann, panel === 'Comments' ? THREE_LOOKS : TWO_LOOKS, 'aside')).toEqual([])
      await ann.getByRole('button', { name: `Close ${panel}` }).click()
    }
    // A fault that is put in is found.
    await ann.evaluate(() => document.querySelector('main')?.append(document.createElement('button')))
    expect((await violations(ann)).map((it) => it.split(':')[0])).toEqual(['button-name'])
  })
})

describe.skipIf(!pages.isThere)('the first screen for everybody', () => {
  it('[E11] axe finds nothing serious at the page of two boards, light or dark, wide or on a phone', async () => {
    const ann = await pages.open(`${pages.httpUrl}/`)
    await ann.getByRole('region', { name: 'Joinery', exact: true }).waitFor()
    expect(await violationsIn(ann, THREE_LOOKS)).toEqual([])
  })
})
