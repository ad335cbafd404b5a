import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { addText, saved } from './open-pages.ts'
import { openPlainServer } from './plain-server.ts'

const ASSETS = fileURLToPath(new URL('../../apps/editor/dist/assets/', import.meta.url))
const FIRST_LOAD_BYTES_MAX = 300_000
const LARGE_EDITOR_BYTES_MAX = 200_000

const { pages, visit, content } = openPlainServer()

it.skipIf(!pages.isThere)(
  '[E8, E19, E87] a block can be made and written in, renamed, indexed, deleted and had back by undo',
  async () => {
    const ann = await visit('edit')
    await addText(ann)
    await ann.keyboard.type('in it')
    expect(await content(ann, 'Text 1').inputValue()).toBe('in it')
    await ann.getByRole('textbox', { name: 'Title of Text 1' }).fill('Plan')
    await ann.keyboard.press('Enter')
    const block = ann.getByRole('region', { name: 'Plan' })
    await block.getByRole('button', { name: 'Start index' }).click()
    await block.getByText('main: Waiting for a worker').waitFor()
    await block.getByRole('button', { name: 'Delete Plan' }).click()
    await block.waitFor({ state: 'detached' })
    await ann.getByRole('button', { name: 'Undo' }).click()
    await block.waitFor()
    await saved(ann)
  },
)

it.skipIf(!pages.isThere)('[E18] an address that names no workspace is answered in words', async () => {
  const ann = await visit('a%20b')
  await ann.getByText(/a workspace name is 1 to 4 segments/).waitFor()
  expect(pages.errors.splice(0).join()).toMatch(/a b/)
})

it('[E10] the first load and the large editor stay under their budgets of JavaScript, gzipped', () => {
  const scripts = readdirSync(ASSETS).filter((name) => name.endsWith('.js'))
  const bytesOf = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + gzipSync(readFileSync(ASSETS + name)).length, 0)
  const [large, first] = [true, false].map((isLarge) =>
    scripts.filter((it) => it.startsWith('text-dialog-') === isLarge),
  )
  expect(large).toHaveLength(1)
  expect(bytesOf(first ?? [])).toBeGreaterThan(100_000)
  expect(bytesOf(first ?? [])).toBeLessThan(FIRST_LOAD_BYTES_MAX)
  expect(bytesOf(large ?? [])).toBeLessThan(LARGE_EDITOR_BYTES_MAX)
})
