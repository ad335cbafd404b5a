import { describe, expect, it } from 'vitest'
import { openPages, shownText, typeIn } from './open-pages.ts'
import { countRenders, takeRenders } from './react-renders.ts'

const pages = openPages()

describe.skipIf(!pages.isThere)('what renders', () => {
  it('[E5] typing in one block renders nothing in another, here and elsewhere', async () => {
    const ann = await pages.visit('renders', { prepare: countRenders })
    const bob = await pages.visit('renders', { prepare: countRenders })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    // The first stroke shows who wrote last. After that the same words stay.
    await typeIn(ann, 'Text 1', 'a')
    await expect.poll(() => ann.getByText(/^Text by/).count()).toBe(1)
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('a')
    const text = await pages.idOf('renders', 'Text 1')
    const collection = await pages.idOf('renders', 'Collection 1')
    const first = await takeRenders(ann)
    expect([first[''], first[text], first[collection]].every((count) => Number(count) > 0)).toBe(true)
    // Cards draw themselves once more when they learn that there is a demonstration.
    await bob.getByRole('button', { name: 'Demonstration' }).waitFor()
    await takeRenders(bob)
    await typeIn(ann, 'Text 1', 'bcdefghijklmnop')
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('abcdefghijklmnop')
    await ann.getByRole('status', { name: 'Save status' }).getByText('Saved', { exact: true }).waitFor()
    for (const page of [ann, bob]) {
      const renders = await takeRenders(page)
      expect(renders[collection]).toBeUndefined()
    }
  })

  it('[E92] typing in the large editor does not render it, and the card behind it rests until it closes', async () => {
    const ann = await pages.visit('large', { prepare: countRenders })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'before ')
    await ann.keyboard.press('Control+Enter')
    const large = ann.getByRole('textbox', { name: 'Text of Text 1' })
    await large.waitFor()
    expect((await takeRenders(ann))['large editor']).toBeGreaterThan(0)
    await ann.keyboard.type('abcdefghijklmnop')
    await expect.poll(() => large.textContent()).toBe('before abcdefghijklmnop')
    await ann.locator('dialog').getByText('Saved', { exact: true }).waitFor()
    expect((await takeRenders(ann))['large editor']).toBeUndefined()
    const field = ann.locator('textarea[aria-label="Content of Text 1"]')
    expect(await field.inputValue()).toBe('before ')
    await ann.keyboard.press('Escape')
    await expect.poll(() => field.inputValue()).toBe('before abcdefghijklmnop')
  })

  it('[E5] a status renders in its block alone', async () => {
    const ann = await pages.visit('statuses', { prepare: countRenders })
    const bob = await pages.visit('statuses', { prepare: countRenders })
    // By keyboard, which stays on the button: a caret that comes into a block or leaves it is drawn there, too.
    await ann.getByRole('button', { name: 'Add text block' }).press('Enter')
    await ann.getByRole('button', { name: 'Add text block' }).press('Enter')
    await bob.getByRole('region', { name: 'Text 2' }).waitFor()
    const [one, two] = [await pages.idOf('statuses', 'Text 1'), await pages.idOf('statuses', 'Text 2')]
    // Cards draw themselves once more when they learn that there is a demonstration.
    await bob.getByRole('button', { name: 'Demonstration' }).waitFor()
    await expect.poll(async () => (await takeRenders(bob))[two]).toBeUndefined()
    await ann.getByRole('region', { name: 'Text 1' }).getByRole('button', { name: 'Start index' }).click()
    await bob.getByText(/main: (Done|Failed)/).waitFor()
    const renders = await takeRenders(bob)
    expect(renders[one]).toBeGreaterThan(0)
    expect(renders[two]).toBeUndefined()
  })
})
