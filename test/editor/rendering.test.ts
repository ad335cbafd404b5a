import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { requireChromium } from '../browser/chromium.ts'
import { OpenPages, shownText, typeIn } from './open-pages.ts'
import { countRenders, takeRenders } from './react-renders.ts'

const executable = requireChromium()
let pages: OpenPages

beforeAll(async () => {
  if (executable !== undefined) pages = await OpenPages.open(executable)
}, 60_000)
afterAll(async () => {
  await pages?.[Symbol.asyncDispose]()
})
afterEach(() => {
  expect(pages?.errors.splice(0) ?? []).toEqual([])
})

describe.skipIf(executable === undefined)('what renders', () => {
  it('[E5] typing in one block renders nothing in another, here and elsewhere', async () => {
    const ann = await pages.visit('renders', { prepare: countRenders })
    const bob = await pages.visit('renders', { prepare: countRenders })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    // Whoever writes first is told who wrote last, once; after that the same words stay.
    await typeIn(ann, 'Text 1', 'a')
    await expect.poll(() => ann.getByText(/^Text by/).count()).toBe(1)
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('a')
    const [text, collection] = (await pages.blocks('renders')).map(({ id }) => id)
    if (text === undefined || collection === undefined) throw new Error('two blocks were made')
    const first = await takeRenders(ann)
    expect([first[''], first[text], first[collection]].every((count) => Number(count) > 0)).toBe(true)
    await takeRenders(bob)
    await typeIn(ann, 'Text 1', 'bcdefghijklmnop')
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('abcdefghijklmnop')
    await ann.getByRole('status', { name: 'Save status' }).getByText('Saved', { exact: true }).waitFor()
    for (const page of [ann, bob]) {
      const renders = await takeRenders(page)
      expect(renders[collection]).toBeUndefined()
    }
  })

  it('[E5] a status renders in its block alone', async () => {
    const ann = await pages.visit('statuses', { prepare: countRenders })
    const bob = await pages.visit('statuses', { prepare: countRenders })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await bob.getByRole('region', { name: 'Text 2' }).waitFor()
    const [one, two] = (await pages.blocks('statuses')).map(({ id }) => id)
    if (one === undefined || two === undefined) throw new Error('two blocks were made')
    await takeRenders(bob)
    await ann.getByRole('region', { name: 'Text 1' }).getByRole('button', { name: 'Start index' }).click()
    await bob.getByText(/main: (Done|Failed)/).waitFor()
    const renders = await takeRenders(bob)
    expect(renders[one]).toBeGreaterThan(0)
    expect(renders[two]).toBeUndefined()
  })
})
