import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addText, openPages, saved, shownText, typeIn } from './open-pages.ts'

const pages = openPages()

it.skipIf(!pages.isThere)(
  '[E45, E46, E52, P15] selected blocks are duplicated, copied, deleted by key, and brought back where the eye is, also without storage',
  async () => {
    const ann = await pages.visit('selection', { prepare: denyStorage })
    await addText(ann)
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
    // The button took the focus with it.
    await ann.keyboard.press('Control+A')
    await ann.getByText('2 selected').waitFor()
    await saved(ann)
    const texts = (await pages.blocks('selection')).map(({ content }) => content)
    expect(texts).toEqual(['kept', 'kept'])
    // A panel covers no notice: one that has no place of its own stands in the middle of what is left.
    const toolsHeight = async (): Promise<number> => (await ann.locator('.tools').boundingBox())?.height ?? 0
    const before = await toolsHeight()
    await ann.getByRole('button', { name: 'History' }).click()
    const panel = ann.getByRole('complementary', { name: 'History' })
    await panel.waitFor()
    expect(Math.abs((await toolsHeight()) - before)).toBeLessThan(10)
    await ann.getByRole('button', { name: 'Undo', exact: true }).click()
    const notice = ann.getByText(/^Undo took away/)
    await notice.waitFor()
    const middleOf = async (): Promise<number> => {
      const [beside, shown] = [await panel.boundingBox(), await notice.locator('..').boundingBox()]
      return beside === null || shown === null ? -1 : shown.x + shown.width / 2 - beside.x / 2
    }
    await expect.poll(async () => Math.abs(await middleOf())).toBeLessThan(2)
  },
)

/** A browser that throws wherever a page looks for storage. */
async function denyStorage(page: Page): Promise<void> {
  await page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) {
      const get = (): never => {
        throw new DOMException('denied', 'SecurityError')
      }
      Object.defineProperty(globalThis, name, { get })
    }
  })
}

/** A job's blocks beside those of a person: enough for an overview. */
async function addSome(workspace: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const url = `${pages.httpUrl}/v1/workspaces/${workspace}/blocks/job-${n}`
    const body = JSON.stringify({ type: 'text', content: `Block ${n}` })
    const answer = await fetch(url, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body })
    expect(answer.status).toBeLessThan(300)
  }
}

it.skipIf(!pages.isThere)(
  '[E47, E74] Ctrl+Z works from any place, and tells of a block that it takes away, with a way back',
  async () => {
    await addSome('undo-keys', 7)
    const ann = await pages.visit('undo-keys')
    const block = ann.getByRole('region', { name: 'Text 1', exact: true })
    const isThere = async (there: boolean): Promise<void> => {
      await expect.poll(() => block.count()).toBe(there ? 1 : 0)
    }
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await saved(ann)
    await typeIn(ann, 'Text 1', 'words')
    await saved(ann)
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('')
    await ann.keyboard.press('Control+Shift+Z')
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('words')
    await ann.keyboard.press('Control+Z')
    // From within its own text, one key too many takes the block away, and says so.
    await ann.keyboard.press('Control+Z')
    await isThere(false)
    await ann.getByText('Undo took away “Text 1”.').waitFor()
    await ann.getByRole('button', { name: 'Do it again' }).click()
    await isThere(true)

    const tool = (name: string) => ann.getByRole('button', { name, exact: true })
    const places: Record<string, () => Promise<unknown>> = {
      'the free canvas': () => ann.locator('.react-flow__pane').click({ position: { x: 4, y: 4 } }),
      'the overview': () => ann.locator('.react-flow__minimap').click({ position: { x: 4, y: 4 } }),
      'a node': () => ann.getByRole('group', { name: 'job-1', exact: true }).focus(),
      'a title in which nothing is typed': () => ann.getByRole('textbox', { name: 'Title of job-1' }).focus(),
      'a header link': () => ann.getByRole('link', { name: 'Joinery' }).focus(),
      'a header button': () => tool('History').focus(),
      'a slider': async () => {
        await tool('History').click()
        await ann.getByRole('slider', { name: 'Point in the history' }).focus()
      },
      'a closed panel': () => ann.keyboard.press('Escape'),
      'the closed palette': async () => {
        await ann.keyboard.press('Control+K')
        await ann.getByRole('combobox', { name: 'Command, or words to find' }).fill('no such thing')
        await ann.keyboard.press('Escape')
        await ann.getByRole('dialog', { name: 'Commands and search' }).waitFor({ state: 'detached' })
      },
      'the list': async () => {
        await tool('List').click()
        await ann.getByRole('application', { name: 'Board' }).waitFor({ state: 'detached' })
      },
      'a list to choose from': async () => {
        await ann.getByRole('button', { name: 'Connect job-1 to…' }).click()
        await ann.getByRole('combobox', { name: 'Connect job-1 to' }).focus()
      },
    }
    const keys = ['Control+Z', 'Control+Y', 'Meta+Z', 'Control+Shift+Z'] as const
    for (const [place, go] of Object.entries(places)) {
      await go()
      for (const [n, key] of keys.entries()) {
        await ann.keyboard.press(key)
        await expect.poll(() => block.count(), { message: `${key} on ${place}` }).toBe(n % 2)
      }
    }

    // The focus is on nothing after a deletion by pointer.
    await tool('Delete Text 1').click()
    await isThere(false)
    expect(await ann.evaluate(() => document.activeElement === document.body)).toBe(true)
    await ann.keyboard.press('Control+Z')
    await isThere(true)
    // A redo, a button and a command tell of it as keys do.
    await tool('Redo').click()
    await ann.getByText('Redo took away “Text 1”.').waitFor()
    await ann.getByRole('button', { name: 'Bring it back' }).click()
    await isThere(true)
    // A field that is not the workspace's has the browser's own undo.
    const title = ann.getByRole('textbox', { name: 'Title of job-1' })
    await title.click()
    await ann.keyboard.type('!')
    await ann.keyboard.press('Control+Z')
    expect(await title.inputValue()).toBe('job-1')
    await isThere(true)
  },
)
