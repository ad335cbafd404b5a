import { expect, it } from 'vitest'
import { openPages, saved, shownText, typeIn } from './open-pages.ts'

const pages = openPages()

it.skipIf(!pages.isThere)(
  '[E45, E46] selected blocks are duplicated, copied, deleted by key, and brought back where the eye is',
  async () => {
    const ann = await pages.visit('selection')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.keyboard.type('kept')
    const block = ann.getByRole('group', { name: 'Text 1', exact: true })
    await block.focus()
    await ann.keyboard.press('Enter')
    await ann.getByText('1 selected').waitFor()
    await ann.keyboard.press('Control+D')
    await expect.poll(() => ann.getByRole('region', { name: 'Text 1' }).count()).toBe(2)
    await ann.keyboard.press('Delete')
    await expect.poll(() => ann.getByRole('region', { name: 'Text 1' }).count()).toBe(1)
    await ann.getByText('“Text 1” deleted.').waitFor()
    await ann.getByRole('button', { name: 'Bring it back' }).click()
    await expect.poll(() => ann.getByRole('region', { name: 'Text 1' }).count()).toBe(2)
    await saved(ann)
    const texts = (await pages.blocks('selection')).map(({ content }) => content)
    expect(texts).toEqual(['kept', 'kept'])
  },
)

it.skipIf(!pages.isThere)(
  '[E47] Ctrl+Z works from any place, and tells of a block that it takes away, with a way back',
  async () => {
    const ann = await pages.visit('undo-keys')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await saved(ann)
    await typeIn(ann, 'Text 1', 'words')
    await saved(ann)
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('')
    await ann.keyboard.press('Control+Shift+Z')
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('words')
    await ann.getByRole('heading', { level: 1 }).click()
    await ann.keyboard.press('Control+Z')
    await ann.keyboard.press('Control+Z')
    await ann.getByText('Undo took away “Text 1”.').waitFor()
    await ann.getByRole('button', { name: 'Do it again' }).click()
    await ann.getByRole('region', { name: 'Text 1' }).waitFor()
  },
)
