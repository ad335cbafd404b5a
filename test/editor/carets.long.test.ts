import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { openPages, shownText, typeIn } from './open-pages.ts'

const pages = openPages()

const field = (page: Page, title: string) => page.getByRole('textbox', { name: `Content of ${title}` })

/** For each caret of others that a block shows: the text around it, `|` where it stands. */
function shownCarets(page: Page, title: string): Promise<string[]> {
  return page.getByRole('region', { name: title, exact: true }).evaluate((card) => {
    const text = card.querySelector('textarea')?.value ?? ''
    const nodes = [...(card.querySelector('.caret-text')?.childNodes ?? [])]
    const isCaret = (node: ChildNode): node is HTMLElement => node instanceof HTMLElement && node.matches('.caret')
    return nodes.filter(isCaret).map((caret) => {
      const before = nodes.slice(0, nodes.indexOf(caret)).filter((node) => !isCaret(node))
      const index = before.reduce((sum, node) => sum + (node.textContent ?? '').length, 0)
      return `${text.slice(0, index)}|${text.slice(index)}`
    })
  })
}

async function select(page: Page, title: string, start: number, end = start): Promise<void> {
  await field(page, title).evaluate(
    (it: HTMLTextAreaElement, [start, end]) => {
      it.focus()
      it.setSelectionRange(start, end)
    },
    [start, end] as const,
  )
}

describe.skipIf(!pages.isThere)('carets of others', () => {
  it('[E1] stand before the same character whoever types in front of them, follow typing, and go with their person', async () => {
    const ann = await pages.visit('carets')
    const bob = await pages.visit('carets')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'hello world')
    await expect.poll(() => shownCarets(bob, 'Text 1')).toEqual(['hello world|'])

    await select(ann, 'Text 1', 6)
    await expect.poll(() => shownCarets(bob, 'Text 1')).toEqual(['hello |world'])
    await select(bob, 'Text 1', 0)
    await bob.keyboard.type('>> ')
    expect(await shownCarets(bob, 'Text 1')).toEqual(['>> hello |world'])
    await expect.poll(() => shownCarets(ann, 'Text 1')).toEqual(['>> |hello world'])
    await ann.keyboard.type('my ')
    await expect.poll(() => shownCarets(bob, 'Text 1')).toEqual(['>> hello my |world'])
    expect(await shownText(ann, 'Text 1')).toBe('>> hello my world')

    const name = await ann.getByRole('listitem').first().getAttribute('title')
    expect(`${await bob.locator('.caret').getAttribute('data-caret')} (you)`).toBe(name)
    await ann.getByRole('textbox', { name: 'Title of Text 1' }).focus()
    await expect.poll(() => shownCarets(bob, 'Text 1')).toEqual([])
    await select(ann, 'Text 1', 0, 8)
    await expect.poll(() => bob.locator('.caret-text mark').allTextContents()).toEqual(['>> hello'])
    await ann.context().close()
    await bob.locator('.caret').waitFor({ state: 'detached' })
  })

  it('[E2] stand on the lines of a text that wraps and scrolls as the field sets them', async () => {
    const ann = await pages.visit('lines')
    const bob = await pages.visit('lines')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    const words = 'Measure twice, cut once, whatever the length of the board in hand. '
    await field(ann, 'Text 1').fill(`${words.repeat(12)}\n\n${'m'.repeat(90)}\n`)
    await ann.keyboard.press('Control+End')
    await bob.locator('.caret').waitFor({ state: 'attached' })
    const sizes = () =>
      bob.getByRole('region', { name: 'Text 1' }).evaluate((card) => {
        const [field, text] = ['textarea', '.caret-text'].map((it) => card.querySelector<HTMLElement>(it))
        const caret = card.querySelector('.caret')?.getBoundingClientRect()
        const box = field?.getBoundingClientRect()
        if (field == null || text == null || caret === undefined || box === undefined) throw new Error('no caret')
        return {
          isScrolled: field.scrollTop > 0,
          lost: field.scrollHeight - text.offsetHeight,
          width: field.clientWidth - text.offsetWidth,
          isInside: caret.top >= box.top && caret.bottom <= box.bottom,
        }
      })
    expect(await sizes()).toEqual({ isScrolled: false, lost: 0, width: 0, isInside: false })
    await field(bob, 'Text 1').evaluate((it) => it.scrollTo(0, it.scrollHeight))
    await expect.poll(sizes).toEqual({ isScrolled: true, lost: 0, width: 0, isInside: true })
    // Of a long text the card lays out the start alone, and names who writes further down.
    await field(ann, 'Text 1').fill(words.repeat(400))
    await ann.keyboard.press('Control+End')
    await expect.poll(() => bob.locator('.carets-below').textContent()).toMatch(/^.+further down$/)
    expect(await bob.locator('.caret-text').textContent()).toBe('\u200B')
    await select(ann, 'Text 1', 100)
    await bob.locator('.carets-below').waitFor({ state: 'detached' })
    expect((await bob.locator('.caret-text').textContent())?.length).toBeLessThan(21_100)
  })

  it('[E3] are not drawn of what somebody else says wrongly', async () => {
    const ann = await pages.visit('wrong')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'hello')
    const [block] = await pages.blocks('wrong')
    const { connectWorkspace } = await import('@joinery/client')
    await using other = connectWorkspace({ url: pages.url, workspace: 'wrong', offline: false })
    await other.whenSynced
    const place = { item: { client: 4_000_000_000, clock: 5 }, assoc: 0 }
    other.presence.set({ name: 'Mallory', hue: 1, cursor: { block: block?.id, anchor: place, head: place } })
    await ann.getByText('Mallory', { exact: true }).waitFor({ state: 'attached' })
    other.presence.set({ name: 'Trudy', hue: 1, cursor: { block: block?.id, anchor: 7, head: { tname: 'x' } } })
    await ann.getByText('Trudy', { exact: true }).waitFor({ state: 'attached' })
    expect(await shownCarets(ann, 'Text 1')).toEqual([])
    await typeIn(ann, 'Text 1', ' world')
    expect(await shownText(ann, 'Text 1')).toBe('hello world')
  })
})
