import { connectWorkspace } from '@joinery/client'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { addText, openPages, saved } from './open-pages.ts'

const pages = openPages()
const field = (page: Page, title: string) => page.getByRole('textbox', { name: `Content of ${title}` })
const large = (page: Page, title: string) => page.getByRole('textbox', { name: `Text of ${title}` })

/** The text of one line as the large editor shows it, without the names of others in it. */
const largeText = (page: Page, title: string): Promise<string> =>
  large(page, title).evaluate((content) => {
    const copy = content.cloneNode(true) as HTMLElement
    for (const caret of copy.querySelectorAll('.cm-others-caret')) caret.remove()
    return copy.textContent
  })

async function openLarge(page: Page, title: string): Promise<void> {
  await field(page, title).focus()
  await page.keyboard.press('Control+Enter')
  await large(page, title).waitFor()
}

describe.skipIf(!pages.isThere)('texts', () => {
  it('[E62] people in the large editor and on the card, and a job, write at once, and see names; undo spares the others', async () => {
    const ann = await pages.visit('write-large')
    await addText(ann)
    await ann.keyboard.type('start ')
    await saved(ann)
    const bob = await pages.visit('write-large')
    await openLarge(ann, 'Text 1')
    await field(bob, 'Text 1').click()
    await bob.keyboard.press('Control+Home')
    await using job = connectWorkspace({
      url: pages.url,
      workspace: 'write-large',
      actor: 'job',
      source: 'workflow_execution',
    })
    await job.whenSynced
    const id = await pages.idOf('write-large', 'Text 1')
    // The name of the other, and each one's letters in order.
    await ann.locator('.cm-others-name').waitFor()
    await bob.locator('.caret-name').waitFor()
    const pace = { delay: 12 }
    await Promise.all([
      ann.keyboard.type('abcdefghijklmnopqrstuvwxyz', pace),
      bob.keyboard.type('0123456789', pace),
      (async () => {
        for (const letter of 'ABCDEFGH') job.transact(() => job.blocks.get(id)?.content.insert(0, letter))
        await job.whenDurable()
      })(),
    ])
    await Promise.all([saved(ann), saved(bob)])
    const text = await field(bob, 'Text 1').inputValue()
    expect(text.replaceAll(/[^0-9]/g, '')).toBe('0123456789')
    expect(text.replaceAll(/[^A-H]/g, '')).toBe('HGFEDCBA')
    expect(text.replaceAll(/[0-9A-H]/g, '')).toBe('start abcdefghijklmnopqrstuvwxyz')
    await expect.poll(() => largeText(ann, 'Text 1')).toBe(text)
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => pages.contentOf('write-large', 'Text 1')).not.toContain('z')
    expect((await field(bob, 'Text 1').inputValue()).replaceAll(/[^0-9]/g, '')).toBe('0123456789')
    await ann.keyboard.press('Control+Shift+Z')
    await expect.poll(() => field(bob, 'Text 1').inputValue()).toBe(text)
  })

  it('[E61] a task is ticked, a list goes on, marks are set by key, and only the marks at the caret show', async () => {
    const ann = await pages.visit('marks')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await openLarge(ann, 'Text 1')
    await ann.keyboard.type('- [ ] clamps\nglue\n\n\nend')
    await ann.getByRole('checkbox', { name: 'Done' }).first().click()
    await expect.poll(() => pages.contentOf('marks', 'Text 1')).toMatch(/^- \[x\] clamps\n- \[ \] glue\n/)
    await ann.keyboard.press('Control+A')
    await ann.keyboard.type('a word')
    await ann.keyboard.press('Control+Shift+ArrowLeft')
    await ann.keyboard.press('Control+B')
    await expect.poll(() => pages.contentOf('marks', 'Text 1')).toBe('a **word**')
    await ann.keyboard.press('Control+B')
    await expect.poll(() => pages.contentOf('marks', 'Text 1')).toBe('a word')
    await ann.keyboard.press('Control+K')
    await expect.poll(() => pages.contentOf('marks', 'Text 1')).toBe('a [word](https://)')
    await saved(ann)
  })

  it('[E63] a slash offers headings and lists, and Escape leaves it', async () => {
    const ann = await pages.visit('slash')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await openLarge(ann, 'Text 1')
    await ann.keyboard.type('/')
    await ann.getByRole('option', { name: 'Heading 1' }).waitFor()
    expect((await ann.getByRole('option').allTextContents()).slice(0, 3)).toEqual([
      'Heading 1#',
      'Heading 2##',
      'Heading 3###',
    ])
    await ann.keyboard.type('task')
    await expect.poll(() => ann.getByRole('option').count()).toBe(1)
    await ann.keyboard.press('Enter')
    await ann.keyboard.type('glue and/or nails')
    await expect.poll(() => pages.contentOf('slash', 'Text 1')).toBe('- [ ] glue and/or nails')
    expect(await ann.getByRole('option').count()).toBe(0)
    await ann.keyboard.type(' /')
    await ann.getByRole('option', { name: 'Quote' }).waitFor()
    await ann.keyboard.press('Escape')
    await ann.getByRole('option', { name: 'Quote' }).waitFor({ state: 'detached' })
    await large(ann, 'Text 1').waitFor()
    await ann.keyboard.press('Escape')
    await large(ann, 'Text 1').waitFor({ state: 'detached' })
    await expect.poll(() => pages.contentOf('slash', 'Text 1')).toBe('- [ ] glue and/or nails /')
  })

  it('[E60] a click on the rendered text puts the caret before the same character of the source', async () => {
    const ann = await pages.visit('click')
    await addText(ann)
    await ann.keyboard.type('## Heading\n**bold** and *thin* words')
    await ann.getByRole('heading', { level: 1 }).click()
    const word = ann.locator('.rendered em')
    const box = await word.boundingBox()
    if (box === null) throw new Error('the word is not shown')
    await ann.mouse.click(box.x + 1, box.y + box.height / 2)
    await ann.keyboard.type('very ')
    await expect.poll(() => pages.contentOf('click', 'Text 1')).toBe('## Heading\n**bold** and *very thin* words')
  })

  it('[E61, E62] a large editor closes when its block is deleted, and follows a document that is replaced', async () => {
    const ann = await pages.visit('gone')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await saved(ann)
    await openLarge(ann, 'Text 1')
    const bob = await pages.visit('gone')
    await bob.getByRole('button', { name: 'Delete Text 1' }).click()
    await large(ann, 'Text 1').waitFor({ state: 'detached' })
    await ann.getByRole('application', { name: 'Board' }).waitFor()
  })

  it('[E64] the page says that the editor could not be loaded, and goes on', async () => {
    const prepare = async (page: Page): Promise<void> => {
      await page.route('**/assets/text-dialog-*', (route) => route.abort())
    }
    const ann = await pages.visit('unloaded', { prepare })
    await addText(ann)
    await ann.keyboard.type('safe')
    await ann.keyboard.press('Control+Enter')
    await ann.getByRole('alert').filter({ hasText: 'This part of the page could not be loaded.' }).waitFor()
    await ann.unroute('**/assets/text-dialog-*')
    await ann.keyboard.press('Escape')
    await expect.poll(() => field(ann, 'Text 1').inputValue()).toBe('safe')
    pages.errors.splice(0)
  })

  it('[E133, E135] a card tells how much people and jobs wrote, and the large editor which passages, by request and in words', async () => {
    const ann = await pages.visit('authors')
    await addText(ann)
    await ann.keyboard.type('By a person. ')
    await saved(ann)
    const id = await pages.idOf('authors', 'Text 1')
    {
      await using job = connectWorkspace({
        url: pages.url,
        workspace: 'authors',
        actor: 'nightly',
        source: 'workflow_execution',
      })
      await job.whenSynced
      job.transact(() => job.blocks.get(id)?.content.insert(13, 'By a job. '))
      await job.whenDurable()
    }
    // A later visit knows no client but from the log.
    await ann.reload()
    await saved(ann)
    const shares = ann.locator('.block-authors p')
    await expect.poll(() => shares.locator('.by-job').textContent()).toBe('nightly, a run 43 % ')
    expect(await shares.locator('.by-person').textContent()).toMatch(/ 57 % $/)
    await openLarge(ann, 'Text 1')
    const marked = (kind: string) => ann.locator(`.cm-by-${kind}`).allTextContents()
    expect(await marked('job')).toEqual([])
    const toggle = ann.getByRole('button', { name: 'Who wrote what' })
    await toggle.click()
    await ann.getByRole('list', { name: 'Authors' }).getByText('nightly, a run').waitFor()
    await expect.poll(() => marked('job')).toEqual(['By a job. '])
    expect(await marked('person')).toEqual(['By a person. '])
    expect(await toggle.getAttribute('aria-pressed')).toBe('true')
    await large(ann, 'Text 1').click()
    await ann.keyboard.press('Control+End')
    const here = ann
      .getByRole('dialog')
      .getByRole('status')
      .getByText(/^At the caret/)
    await expect.poll(() => here.textContent()).toBe('At the caret: nightly, a run')
    await ann.keyboard.type('And by hand.')
    await expect.poll(() => marked('person')).toEqual(['By a person. ', 'And by hand.'])
    await ann.keyboard.press('Control+Home')
    await expect.poll(() => here.textContent()).not.toContain('nightly')
    await toggle.click()
    await expect.poll(() => marked('job')).toEqual([])
    await ann.keyboard.press('Escape')
    await expect.poll(() => shares.locator('.by-job').textContent()).toBe('nightly, a run 29 % ')
  })
})
