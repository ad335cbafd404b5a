import { setEdge } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addText, openPages, saved, shownText } from './open-pages.ts'

const pages = openPages()
const JOB = { source: 'workflow_execution', actor: 'job' } as const

interface Made {
  readonly blocks: number
  readonly edges?: number
  /** Where block `n` stands; undefined leaves it to the board. */
  readonly at?: (n: number) => { readonly x: number; readonly y: number }
}

/** Fills a workspace as a job does. Titles are `Block 0`, `Block 1` and so on. */
async function fill(workspace: string, { blocks, edges = 0, at }: Made): Promise<void> {
  const job = connectWorkspace({ url: pages.url, workspace, ...JOB })
  try {
    await job.whenSynced
    const ids: string[] = []
    job.transact(() => {
      for (let n = 0; n < blocks; n++) {
        const block = job.blocks.create({ type: n % 5 === 4 ? 'vector_collection' : 'text' })
        block.fields.set('title', `Block ${n}`, JOB)
        block.fields.set('place', String(n).padStart(5, '0'), JOB)
        if (at !== undefined) block.fields.set('position', { ...at(n) }, JOB)
        block.content.insert(0, `Text of block ${n}.`)
        ids.push(block.id)
      }
    })
    job.transact(() => {
      for (let n = 0; n < edges; n++) {
        const [source = '', target = ''] = [ids[n % blocks], ids[(n * 7 + 13) % blocks]]
        setEdge(job.doc, `edge-${n}`, { source, target })
      }
    })
    await job.whenDurable()
  } finally {
    await job.close()
  }
}

const select = async (page: Page, ...titles: string[]): Promise<void> => {
  for (const [n, title] of titles.entries()) {
    await page
      .getByRole('region', { name: title, exact: true })
      .locator('.kind')
      .click({ modifiers: n === 0 ? [] : ['Control'] })
  }
}
const positions = async (workspace: string) => {
  const fields = (await pages.blocks(workspace)).map((block) => block.fields as { title: string; position?: object })
  return Object.fromEntries(fields.map(({ title, position }) => [title, position]))
}
/** Whether an element's middle is within the canvas. */
const isInView = (page: Page, title: string): Promise<boolean> =>
  page.getByRole('region', { name: title, exact: true }).evaluate((card) => {
    const { left, top, width, height } = card.getBoundingClientRect()
    const frame = document.querySelector('.canvas')?.getBoundingClientRect()
    const [x, y] = [left + width / 2, top + height / 2]
    return frame !== undefined && x > frame.left && x < frame.right && y > frame.top && y < frame.bottom
  })

/** Where a block stands on a page's screen. */
async function boxOf(page: Page, title: string) {
  const box = await page.getByRole('region', { name: title, exact: true }).boundingBox()
  return box ?? expect.fail(`${title} is not shown`)
}

/** Drags from one point to another in a few steps, as a hand does. */
async function drag(page: Page, from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
  await page.mouse.move(from.x, from.y)
  await page.mouse.down()
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 })
  await page.mouse.move(to.x, to.y, { steps: 4 })
  await page.mouse.up()
}

const positionOf = async (workspace: string, title: string) =>
  (await pages.blocks(workspace)).find(({ fields }) => fields.title === title)?.fields as
    | { position?: { x: number; y: number } }
    | undefined

it.skipIf(!pages.isThere)(
  '[E44] on one canvas two people move, connect, type and delete, and each undo spares the other',
  async () => {
    const ann = await pages.visit('canvas')
    const bob = await pages.visit('canvas')
    await ann.getByRole('application', { name: 'Board' }).waitFor()
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await bob.getByRole('region', { name: 'Collection 1' }).waitFor()

    const start = await boxOf(ann, 'Text 1')
    const grab = { x: start.x + 40, y: start.y + 14 }
    await Promise.all([
      drag(ann, grab, { x: grab.x - 60, y: grab.y + 80 }),
      bob
        .getByRole('textbox', { name: 'Content of Collection 1' })
        .click()
        .then(() => bob.keyboard.type('typed by bob')),
    ])
    await expect.poll(async () => (await positionOf('canvas', 'Text 1'))?.position?.y ?? 0).toBeGreaterThan(40)
    expect(await shownText(bob, 'Collection 1')).toBe('typed by bob')

    const from = await ann.locator('.react-flow__node').first().locator('.react-flow__handle-right').boundingBox()
    const to = await ann.locator('.react-flow__node').nth(1).locator('.react-flow__handle-left').boundingBox()
    if (from === null || to === null) expect.fail('no handles')
    await drag(ann, { x: from.x + 7, y: from.y + 7 }, { x: to.x + 7, y: to.y + 7 })
    await bob.getByRole('list', { name: 'Text 1 leads to' }).getByText('→ Collection 1').waitFor()
    await bob.locator('.react-flow__edge').waitFor({ state: 'attached' })

    // One step after the other; what Bob typed stays.
    await ann.getByRole('button', { name: 'Undo' }).click()
    await bob.locator('.react-flow__edge').waitFor({ state: 'detached' })
    await ann.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(async () => (await positionOf('canvas', 'Text 1'))?.position).toBeUndefined()
    expect(await pages.contentOf('canvas', 'Collection 1')).toBe('typed by bob')
  },
)

it.skipIf(!pages.isThere)(
  '[E45] selected blocks are aligned, moved by key, cut and pasted, each as one undo step',
  async () => {
    await fill('group', { blocks: 3, at: (n) => ({ x: n * 400, y: n * 60 }) })
    const ann = await pages.visit('group')
    await select(ann, 'Block 0', 'Block 2')
    await ann.getByText('2 selected').waitFor()
    await ann.getByRole('button', { name: 'Align top' }).click()
    await expect
      .poll(() => positions('group'))
      .toEqual({
        'Block 0': { x: 0, y: 0 },
        'Block 1': { x: 400, y: 60 },
        'Block 2': { x: 800, y: 0 },
      })
    await ann.getByRole('group', { name: 'Block 2', exact: true }).focus()
    await ann.keyboard.press('Shift+ArrowDown')
    await expect.poll(() => positions('group')).toMatchObject({ 'Block 0': { y: 20 }, 'Block 2': { y: 20 } })
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => positions('group')).toMatchObject({ 'Block 0': { y: 0 }, 'Block 2': { y: 0 } })
    await ann.keyboard.press('Control+X')
    await expect.poll(() => positions('group')).toEqual({ 'Block 1': { x: 400, y: 60 } })
    await ann.keyboard.press('Control+V')
    await expect
      .poll(async () => Object.keys(await positions('group')).sort())
      .toEqual(['Block 0', 'Block 1', 'Block 2'])
    expect(await positions('group')).toMatchObject({ 'Block 0': { x: 32, y: 32 }, 'Block 2': { x: 832, y: 32 } })
    await ann.getByText('2 selected').waitFor()
    await ann.keyboard.press('Control+Z')
    await expect.poll(async () => Object.keys(await positions('group'))).toEqual(['Block 1'])
  },
)

it.skipIf(!pages.isThere)('[E49] the list is there by choice, on a phone, and on paper', async () => {
  await fill('views', { blocks: 8 })
  const ann = await pages.visit('views')
  const canvas = ann.getByRole('application', { name: 'Board' })
  await canvas.waitFor()
  await ann.emulateMedia({ media: 'print' })
  await canvas.waitFor({ state: 'detached' })
  await ann.emulateMedia({ media: 'screen' })
  await canvas.waitFor()
  await ann.getByRole('button', { name: 'List', exact: true }).click()
  await canvas.waitFor({ state: 'detached' })
  await ann.getByRole('region', { name: 'Block 1' }).waitFor()
  await ann.reload()
  await saved(ann)
  await ann.getByRole('region', { name: 'Block 1' }).waitFor()
  expect(await canvas.count()).toBe(0)
  const phone = await pages.visit('views', { viewport: { width: 375, height: 700 } })
  await phone.getByRole('region', { name: 'Block 1' }).waitFor()
  expect(await phone.getByRole('application', { name: 'Board' }).count()).toBe(0)
  await phone.getByRole('button', { name: 'Canvas', exact: true }).click()
  await phone.getByRole('application', { name: 'Board' }).waitFor()
  // The tools take two rows, and the overview, which would cover the blocks, none of the screen.
  const tools = (await phone.getByRole('navigation', { name: 'Blocks' }).boundingBox()) ?? expect.fail('no tools')
  expect(tools.height).toBeLessThan(110)
  const demonstration = phone.getByRole('button', { name: 'Demonstration' })
  await demonstration.focus()
  const { x, width } = (await demonstration.boundingBox()) ?? expect.fail('no button')
  expect([x >= 0, x + width <= 375]).toEqual([true, true])
  const overview = phone.locator('.react-flow__minimap')
  await overview.waitFor({ state: 'attached' })
  expect(await overview.isVisible()).toBe(false)
  await phone.setViewportSize({ width: 1_280, height: 720 })
  await overview.waitFor()
  // A zoom of 200 % halves the pixels that a window has.
  await phone.setViewportSize({ width: 1_000, height: 500 })
  await overview.waitFor({ state: 'hidden' })
})

it.skipIf(!pages.isThere)(
  '[E94] the canvas prints every text from its beginning to its end, over as many pages as it takes',
  async () => {
    const job = connectWorkspace({ url: pages.url, workspace: 'paper', ...JOB })
    const lines = Array.from({ length: 120 }, (_, n) => `Line ${n} of a plain text.`)
    await job.whenSynced
    job.transact(() => {
      for (const [title, text] of [
        ['Long', lines.join('\n')],
        ['Marked', '# Plan\n\n- cut **once**'],
      ] as const) {
        const block = job.blocks.create({ type: 'text' })
        block.fields.set('title', title, JOB)
        block.content.insert(0, text)
      }
    })
    await job.whenDurable()
    await job.close()
    const ann = await pages.visit('paper')
    await ann.getByRole('button', { name: 'Connect Long to…' }).click()
    await ann.getByRole('combobox', { name: 'Connect Long to' }).selectOption({ label: 'Marked' })
    // Somebody writes in one, where the screen shows the source.
    await ann.getByRole('textbox', { name: 'Content of Marked' }).focus()
    const view = () => ann.locator('.react-flow__viewport').getAttribute('style')
    const before = await view()
    const sheets = String(await ann.pdf({ format: 'A4' })).match(/\/Type\s*\/Page\b/g)?.length
    expect(sheets).toBeGreaterThanOrEqual(3)
    await ann.emulateMedia({ media: 'print' })
    const long = ann.getByRole('region', { name: 'Long' })
    await long.waitFor()
    expect((await long.locator('.rendered').innerText()).trim().split('\n')).toEqual(lines)
    await long.getByText('→ Marked').waitFor()
    expect(await ann.getByRole('region', { name: 'Marked' }).locator('.rendered strong').innerText()).toBe('once')
    // Nothing cuts a text off, and nothing is left to press.
    const cut = await ann.evaluate(() =>
      [...document.querySelectorAll('.board :is(.card, .sheet, .rendered)')]
        .filter((it) => it.scrollHeight > it.clientHeight + 2 || getComputedStyle(it).contain !== 'none')
        .map((it) => it.className),
    )
    expect(cut).toEqual([])
    await expect(
      ann.getByRole('button', { name: /Add|Undo|History|Delete|Search|Large editor/ }).count(),
    ).resolves.toBe(0)
    // Afterwards the person is where they were.
    await ann.emulateMedia({ media: 'screen' })
    await ann.getByRole('application', { name: 'Board' }).waitFor()
    expect(await view()).toBe(before)
  },
)

it.skipIf(!pages.isThere)('[E95] in the list a card grows with its text, and on the canvas by its corner', async () => {
  await fill('heights', { blocks: 1, at: () => ({ x: 0, y: 0 }) })
  const ann = await pages.visit('heights')
  const text = ann.getByRole('textbox', { name: 'Content of Block 0' })
  const linesShown = () =>
    text.evaluate((it) => Math.round(it.clientHeight / Number.parseFloat(getComputedStyle(it).lineHeight)))
  expect(await linesShown()).toBeGreaterThanOrEqual(8)
  const corner = (await ann.locator('.react-flow__resize-control').boundingBox()) ?? expect.fail('no corner')
  await drag(ann, { x: corner.x + 8, y: corner.y + 8 }, { x: corner.x + 58, y: corner.y + 158 })
  await expect.poll(linesShown).toBeGreaterThan(12)
  await ann.getByRole('button', { name: 'List', exact: true }).click()
  await expect.poll(linesShown).toBeLessThan(6)
  await text.fill(Array.from({ length: 12 }, (_, n) => `Line ${n}`).join('\n'))
  expect(await linesShown()).toBe(12)
  await text.fill(Array.from({ length: 200 }, (_, n) => `Line ${n}`).join('\n'))
  expect(await linesShown()).toBe(20)
  // At rest headings are higher than their source.
  await text.fill('# A\n# B\n# C\n# D\n# E\nlast')
  await ann.getByRole('button', { name: 'History' }).focus()
  const cutPixels = () =>
    ann.locator('.rendered').evaluate((it) => {
      const last = it.lastElementChild as HTMLElement
      return Math.max(0, last.offsetTop + last.offsetHeight - it.clientHeight)
    })
  await expect.poll(cutPixels).toBe(0)
})

it.skipIf(!pages.isThere)(
  '[E50, E55] what gets the focus out of sight comes into view, in each direction',
  async () => {
    await fill('view', { blocks: 3, at: (n) => ({ x: (n - 1) * 4_000, y: (n - 1) * 3_000 }) })
    const ann = await pages.visit('view')
    for (const title of ['Block 2', 'Block 0', 'Block 1', 'Block 0']) {
      await ann.getByRole('textbox', { name: `Content of ${title}` }).focus()
      await expect.poll(() => isInView(ann, title)).toBe(true)
    }
    // The way to a person is a click on their avatar.
    const bob = await pages.visit('view')
    await ann.getByRole('textbox', { name: 'Content of Block 0' }).focus()
    const own = ann.getByRole('list', { name: 'People here' }).getByRole('listitem').first()
    const name = (await own.getAttribute('title'))?.replace(' (you)', '') ?? ''
    await bob.getByRole('textbox', { name: 'Content of Block 2' }).focus()
    await expect.poll(() => isInView(bob, 'Block 0')).toBe(false)
    await bob.getByRole('button', { name, exact: true }).click()
    await expect.poll(() => isInView(bob, 'Block 0')).toBe(true)
    // A click on what lies to the right and below scrolls there first, as a browser's search does.
    await ann.getByRole('textbox', { name: 'Content of Block 2' }).click()
    await ann.keyboard.press('Control+End')
    await ann.keyboard.type(' Seen.')
    await expect.poll(() => isInView(ann, 'Block 2')).toBe(true)
    await expect.poll(() => pages.contentOf('view', 'Block 2')).toBe('Text of block 2. Seen.')
  },
)

it.skipIf(!pages.isThere)(
  '[E43] a job’s blocks make a grid, and a new block on a board that people arranged is in view',
  async () => {
    await fill('new', { blocks: 1, at: () => ({ x: 30_000, y: -20_000 }) })
    const ann = await pages.visit('new')
    await ann.getByRole('region', { name: 'Block 0' }).waitFor()
    await addText(ann)
    await ann.keyboard.type('near')
    expect(await isInView(ann, 'Text 1')).toBe(true)
    const { 'Text 1': at } = (await positions('new')) as Record<string, { x: number; y: number } | undefined>
    expect(Math.abs((at?.x ?? 0) - 30_000)).toBeLessThan(2_000)
  },
)

it.skipIf(!pages.isThere)(
  '[E51, E19, E136] 1,000 blocks and 1,500 edges open, and only what is in view is in the page, on the canvas and in the list',
  async () => {
    await fill('thousand', { blocks: 1_000, edges: 1_500 })
    const ann = await pages.visit('thousand')
    await ann.getByRole('region', { name: 'Block 0', exact: true }).waitFor()
    const shown = () => ann.locator('.react-flow__node').count()
    await expect.poll(shown).toBeLessThan(40)
    await ann.getByRole('textbox', { name: 'Content of Block 0', exact: true }).click()
    await ann.keyboard.press('Control+End')
    await ann.keyboard.type(' Typed.')
    await saved(ann)
    expect(await shownText(ann, 'Block 0')).toBe('Text of block 0. Typed.')
    await ann.mouse.move(640, 500)
    await ann.mouse.wheel(0, 3_000)
    await ann.getByRole('region', { name: 'Block 0', exact: true }).waitFor({ state: 'detached' })
    await expect.poll(shown).toBeGreaterThan(0)
    await expect.poll(shown).toBeLessThan(40)
    // A new block is where the person looks, here and in the list, which has all the others.
    const isHere = async (title: string): Promise<boolean> => {
      const { x, y, width, height } = await boxOf(ann, title)
      const text = await ann
        .getByRole('textbox', { name: `Content of ${title}` })
        .evaluate((it) => it === document.activeElement)
      return text && x >= 0 && y >= 0 && x + width <= 1_280 && y + height <= 720
    }
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await expect.poll(() => isHere('Text 1')).toBe(true)
    await ann.getByRole('button', { name: 'List', exact: true }).click()
    await ann.getByRole('region', { name: 'Block 999', exact: true }).waitFor({ state: 'attached' })
    expect(await ann.getByRole('region').count()).toBeGreaterThan(1_000)
    expect(await ann.locator('textarea').count()).toBeLessThan(100)
    // The Tab key leads into the text of a block that was far away.
    await ann.getByRole('region', { name: 'Block 500', exact: true }).focus()
    const middle = ann.getByRole('textbox', { name: 'Content of Block 500', exact: true })
    expect(await middle.evaluate((it) => it === document.activeElement)).toBe(true)
    await ann.keyboard.type('Here. ')
    expect(await middle.inputValue()).toContain('Here. ')
    // Backwards, from a panel behind the list, it leads to the last control of the last block.
    await ann.getByRole('button', { name: 'Comments', exact: true }).click()
    await ann.getByRole('heading', { name: 'Comments' }).focus()
    await ann.keyboard.press('Shift+Tab')
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('Connect Text 1 to…')
    await ann.getByRole('button', { name: 'Close Comments' }).click()
    // One that is scrolled to is drawn, and those that were drawn stay.
    await ann.getByRole('region', { name: 'Block 800', exact: true }).scrollIntoViewIfNeeded()
    await ann.getByRole('textbox', { name: 'Content of Block 800', exact: true }).waitFor()
    expect(await middle.inputValue()).toContain('Here. ')
    expect(await ann.locator('textarea').count()).toBeLessThan(200)
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await expect.poll(() => isHere('Text 2')).toBe(true)
  },
)
