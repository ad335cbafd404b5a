import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { openPages, shownText } from './open-pages.ts'

const pages = openPages()

const shownOrder = (page: Page): Promise<(string | null)[]> =>
  page.getByRole('main').evaluate((main) => [...main.querySelectorAll('section')].map((it) => it.ariaLabel))
const focused = (page: Page): Promise<string | null> => page.evaluate(() => document.activeElement?.ariaLabel ?? null)

describe.skipIf(!pages.isThere)('the order of blocks', () => {
  it('[E13] is changed by anybody, the same for everybody, and had back by undo', async () => {
    const ann = await pages.visit('order')
    const bob = await pages.visit('order')
    for (let made = 0; made < 4; made++) await ann.getByRole('button', { name: 'Add text block' }).click()
    const inOrder = (...numbers: number[]) => numbers.map((number) => `Text ${number}`)
    await expect.poll(() => shownOrder(bob)).toEqual(inOrder(1, 2, 3, 4))

    await ann.getByRole('button', { name: 'Move Text 3 up' }).click()
    await expect.poll(() => shownOrder(bob)).toEqual(inOrder(1, 3, 2, 4))
    await bob.getByRole('button', { name: 'Move Text 1 down' }).click()
    await bob.getByRole('button', { name: 'Move Text 1 down' }).click()
    await bob.getByRole('button', { name: 'Move Text 1 down' }).click()
    await expect.poll(() => shownOrder(ann)).toEqual(inOrder(3, 2, 4, 1))
    await bob.getByText('Text 1 is 4 of 4').waitFor({ state: 'attached' })

    // On the canvas a drag moves a block; in the list it changes the order.
    await ann.getByRole('button', { name: 'List', exact: true }).click()
    const foot = ann.getByRole('region', { name: 'Text 1' }).locator('.foot')
    await foot.dragTo(ann.getByRole('region', { name: 'Text 2' }), { sourcePosition: { x: 280, y: 12 } })
    await expect.poll(() => shownOrder(bob)).toEqual(inOrder(3, 1, 2, 4))
    await ann.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => shownOrder(bob)).toEqual(inOrder(3, 2, 4, 1))
    // A drag that begins in a text selects in it, and moves nothing.
    const text = ann.getByRole('textbox', { name: 'Content of Text 2' })
    await text.fill('measure twice, then cut once')
    await text.dragTo(ann.getByRole('region', { name: 'Text 3' }).locator('.foot'), { sourcePosition: { x: 60, y: 8 } })
    expect(await text.evaluate((it: HTMLTextAreaElement) => it.selectionEnd - it.selectionStart)).toBeGreaterThan(0)
    expect(await shownOrder(ann)).toEqual(inOrder(3, 2, 4, 1))

    // At once, each on their own page: both find the same order, with every block in it.
    await Promise.all([
      ann.getByRole('button', { name: 'Move Text 4 up' }).click(),
      bob.getByRole('button', { name: 'Move Text 2 down' }).click(),
    ])
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await expect.poll(async () => (await shownOrder(bob)).length).toBe(5)
    await expect.poll(async () => (await shownOrder(ann)).join()).toBe((await shownOrder(bob)).join())
    const moved = await shownOrder(ann)
    expect(moved.at(-1)).toBe('Collection 1')
    expect([...moved].sort()).toEqual(['Collection 1', ...inOrder(1, 2, 3, 4)])

    await bob.getByRole('button', { name: 'Undo' }).click()
    await bob.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(async () => (await shownOrder(ann)).join()).toBe((await shownOrder(bob)).join())
    const undone = await shownOrder(bob)
    expect(undone.indexOf('Text 1')).toBeLessThan(undone.indexOf('Collection 1'))
    const late = await pages.visit('order', { hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } })
    await expect.poll(() => shownOrder(late)).toEqual(undone)
    await expect(late.locator('[draggable=true]').count()).resolves.toBe(0)
    await late.getByRole('button', { name: `Move ${undone[0]} down` }).tap()
    await expect.poll(() => shownOrder(ann)).toEqual([undone[1], undone[0], ...undone.slice(2)])
  })

  it('[E14] blocks are made, named, written, moved, connected, deleted and had back by keyboard alone', async () => {
    const ann = await pages.visit('keys')
    const { keyboard } = ann
    /** Goes on with Tab until what has this name has the focus. */
    const goTo = async (name: string, key = 'Tab'): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        const here = await ann.evaluate(() => {
          const { activeElement: it } = document
          return it?.ariaLabel ?? it?.textContent?.trim()
        })
        if (here === name) return
        await keyboard.press(key)
      }
      throw new Error(`${name} is not reached by ${key}`)
    }
    await goTo('Add text block')
    await keyboard.press('Enter')
    await keyboard.press('Enter')
    await goTo('Add vector collection')
    await keyboard.press('Enter')
    await goTo('Title of Text 2')
    await keyboard.press('Control+A')
    await keyboard.type('Plan')
    await keyboard.press('Enter')
    await goTo('Content of Plan')
    await keyboard.type('Cut once.')
    await keyboard.press('Control+Shift+ArrowUp')
    await expect.poll(() => shownOrder(ann)).toEqual(['Plan', 'Text 1', 'Collection 1'])
    expect(await focused(ann)).toBe('Content of Plan')
    await keyboard.type(' Then glue.')
    expect(await shownText(ann, 'Plan')).toBe('Cut once. Then glue.')
    await keyboard.press('Control+Shift+ArrowDown')
    await expect.poll(() => shownOrder(ann)).toEqual(['Text 1', 'Plan', 'Collection 1'])
    expect(await focused(ann)).toBe('Content of Plan')
    await goTo('Move Plan up', 'Shift+Tab')
    await keyboard.press('Enter')
    await expect.poll(() => shownOrder(ann)).toEqual(['Plan', 'Text 1', 'Collection 1'])
    expect(await focused(ann)).toBe('Move Plan up')
    await goTo('Connect Plan to…')
    await keyboard.press('Enter')
    expect(await focused(ann)).toBe('Connect Plan to')
    await keyboard.press('Escape')
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('Connect Plan to…')
    await keyboard.press('Enter')
    await keyboard.press('ArrowDown')
    await keyboard.press('ArrowDown')
    await ann.getByRole('list', { name: 'Plan leads to' }).waitFor({ state: 'detached' })
    await keyboard.press('Enter')
    await ann.getByRole('list', { name: 'Plan leads to' }).getByText('→ Collection 1').waitFor()
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('Connect Plan to…')
    await goTo('Delete Plan', 'Shift+Tab')
    await keyboard.press('Space')
    await expect.poll(() => shownOrder(ann)).toEqual(['Text 1', 'Collection 1'])
    await goTo('Undo', 'Shift+Tab')
    await keyboard.press('Enter')
    await expect.poll(() => shownOrder(ann)).toEqual(['Plan', 'Text 1', 'Collection 1'])
    expect(await shownText(ann, 'Plan')).toBe('Cut once. Then glue.')
    await goTo('History')
    await keyboard.press('Enter')
    await ann.getByRole('complementary', { name: 'History' }).waitFor()
    await keyboard.press('Escape')
    await ann.getByRole('complementary', { name: 'History' }).waitFor({ state: 'detached' })
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('History')
  })
})
