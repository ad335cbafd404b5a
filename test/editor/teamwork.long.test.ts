import { connectWorkspace, type Workspace } from '@joinery/client'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { openPages, saved, shownText, typeIn } from './open-pages.ts'

const pages = openPages()
const JOB = { source: 'workflow_execution', actor: 'planner' } as const

async function work(workspace: string, act: (job: Workspace) => Promise<void>): Promise<void> {
  await using job = connectWorkspace({ url: pages.url, workspace, ...JOB })
  await job.whenSynced
  await act(job)
  await job.whenDurable()
}

/** Makes text blocks in a row, as a job does. */
const fill = (workspace: string, titles: readonly string[]): Promise<void> =>
  work(workspace, async (job) => {
    job.transact(() => {
      for (const [n, title] of titles.entries()) {
        const block = job.blocks.create({ type: 'text' })
        block.fields.set('title', title, JOB)
        block.fields.set('place', `a${n}`, JOB)
        block.fields.set('position', { x: n * 400, y: 0 }, JOB)
      }
    })
  })

const card = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true })
const boxOf = async (page: Page, title: string) =>
  (await card(page, title).boundingBox()) ?? expect.fail(`${title} is not shown`)

/** Where each block stands on a page's screen, in whole pixels of the flow, by title. */
const shownPlaces = (page: Page): Promise<Record<string, string>> =>
  page.locator('.react-flow__node').evaluateAll((nodes) =>
    Object.fromEntries(
      nodes.map((node) => {
        const [x = 0, y = 0] = (node as HTMLElement).style.transform.match(/-?[\d.]+/g)?.map(Number) ?? []
        return [node.querySelector('section')?.ariaLabel ?? '', `${Math.round(x)},${Math.round(y)}`]
      }),
    ),
  )
const shownEdges = (page: Page): Promise<string[]> =>
  page
    .locator('.react-flow__edge')
    .evaluateAll((edges) => edges.map((edge) => edge.getAttribute('data-id') ?? '').sort())

/** Takes hold of a card at the line above its title. */
async function grab(page: Page, title: string): Promise<{ x: number; y: number }> {
  const { x, y } = await boxOf(page, title)
  const at = { x: x + 60, y: y + 14 }
  await page.mouse.move(at.x, at.y)
  await page.mouse.down()
  return at
}

it.skipIf(!pages.isThere)(
  '[E70, E71] a frame takes its blocks along, others see the drag before the drop, and the list shows the frame',
  async () => {
    await fill('frames', ['One', 'Two', 'Three'])
    const ann = await pages.visit('frames', { person: 'Ann' })
    const bob = await pages.visit('frames', { person: 'Bob' })
    await card(ann, 'One').locator('.kind').click()
    await card(ann, 'Two')
      .locator('.kind')
      .click({ modifiers: ['Control'] })
    await ann.keyboard.press('Control+G')
    await card(bob, 'Frame 1').waitFor()
    const before = await shownPlaces(bob)
    const frame = await boxOf(ann, 'Frame 1')
    const at = { x: frame.x + frame.width / 2, y: frame.y + 14 }
    await ann.mouse.move(at.x, at.y)
    await ann.mouse.down()
    await ann.mouse.move(at.x + 40, at.y + 90, { steps: 4 })
    await bob.getByText('Ann moves it').waitFor()
    await expect.poll(async () => (await shownPlaces(bob)).One).not.toBe(before.One)
    expect((await shownPlaces(bob)).Three).toBe(before.Three)
    const fields = async (title: string) =>
      (await pages.blocks('frames')).find((it) => it.fields.title === title)?.fields as { position?: object }
    expect((await fields('Frame 1')).position).toEqual({ x: -32, y: -76 })
    await ann.mouse.up()
    await bob.getByText('Ann moves it').waitFor({ state: 'detached' })
    await expect.poll(() => shownPlaces(bob)).toEqual(await shownPlaces(ann))
    expect((await shownPlaces(bob)).One).not.toBe(before.One)
    await ann.keyboard.press('Control+Z')
    await expect.poll(() => shownPlaces(bob)).toEqual(before)

    await bob.getByRole('button', { name: 'List', exact: true }).click()
    const group = card(bob, 'Frame 1')
    await group.getByRole('region', { name: 'Two', exact: true }).waitFor()
    expect(await group.getByRole('region', { name: 'Three', exact: true }).count()).toBe(0)
    await bob.getByRole('textbox', { name: 'Content of Three' }).focus()
    await bob.keyboard.press('Control+K')
    await bob.keyboard.type('into frame')
    await bob.keyboard.press('Enter')
    await group.getByRole('region', { name: 'Three', exact: true }).waitFor()
    await group.getByRole('button', { name: 'Remove frame Frame 1' }).click()
    await group.waitFor({ state: 'detached' })
    await card(bob, 'Three').waitFor()
    expect((await pages.blocks('frames')).map(({ fields }) => fields.title).sort()).toEqual(['One', 'Three', 'Two'])
  },
)

it.skipIf(!pages.isThere)(
  '[E73, E139] a comment calls somebody, is answered and resolved, and undo takes back one’s own alone',
  async () => {
    await fill('comments', ['Plan'])
    const bob = await pages.visit('comments', { person: 'Bob' })
    await bob.getByRole('button', { name: 'Comment on Plan' }).click()
    const panel = bob.getByRole('complementary', { name: 'Comments' })
    // The field has the focus: a comment is typed at once.
    await panel.getByRole('textbox', { name: 'Comment on Plan' }).waitFor()
    await bob.keyboard.type('@oa')
    {
      // Somebody who becomes known by writing, after the letters, and leaves.
      await using zoe = connectWorkspace({ url: pages.url, workspace: 'comments', actor: 'Zoë Oak' })
      await zoe.whenSynced
      zoe.transact(() => zoe.blocks.list()[0]?.content.insert(0, 'A draft.'))
      await zoe.whenDurable()
    }
    const offered = () => panel.getByRole('option').allTextContents()
    await expect.poll(async () => (await offered()).map((it) => it.slice(2))).toEqual(['Zoë Oak'])
    // Escape leaves the list alone, and another letter offers the name again.
    await bob.keyboard.press('Escape')
    await expect.poll(offered).toEqual([])
    await bob.keyboard.type('k')
    await panel.getByRole('option', { name: 'Zoë Oak' }).click()
    await bob.keyboard.type('and @')
    const field = panel.getByRole('textbox', { name: 'Comment on Plan' })
    const active = async () => (await field.getAttribute('aria-activedescendant')) ?? 'none'
    const ofAnn = panel.getByRole('option', { name: 'Ann' })
    const ofZoe = panel.getByRole('option', { name: 'Zoë Oak' })
    await ofZoe.waitFor()
    // Somebody who comes stands before her in the list, where the chosen name stays the chosen one.
    const ann = await pages.visit('comments', { person: 'Ann' })
    await ofAnn.waitFor()
    expect(await offered()).toHaveLength(2)
    expect(await active()).toBe(await ofZoe.getAttribute('id'))
    await bob.keyboard.press('ArrowUp')
    await expect.poll(active).toBe(await ofAnn.getAttribute('id'))
    await bob.keyboard.press('ArrowDown')
    await expect.poll(active).not.toBe(await ofAnn.getAttribute('id'))
    await bob.keyboard.press('ArrowUp')
    await bob.keyboard.press('Tab')
    await bob.keyboard.type('is this right?')
    expect(await field.inputValue()).toBe('@Zoë Oak and @Ann is this right?')
    await bob.keyboard.press('Control+Enter')
    await panel.locator('mark', { hasText: '@Zoë Oak' }).waitFor()
    await ann.getByRole('button', { name: 'Comments 1 to read' }).click()
    const hers = ann.getByRole('complementary', { name: 'Comments' })
    await hers.locator('mark', { hasText: '@Ann' }).waitFor()
    await hers.getByRole('button', { name: 'Reply' }).click()
    await hers.getByRole('button', { name: 'Mention @Bob' }).last().click()
    await ann.keyboard.type('It is.')
    await ann.keyboard.press('Control+Enter')
    await panel.getByText('It is.').waitFor()
    await ann.getByRole('button', { name: 'Comments', exact: true }).waitFor()
    await panel.getByRole('button', { name: 'Resolve' }).click()
    await hers.getByText('It is.').waitFor({ state: 'detached' })
    await hers.getByRole('button', { name: 'Show 1 resolved' }).click()
    await hers.getByText('Bob resolved it.').waitFor()
    await hers.getByRole('button', { name: 'Open again' }).click()
    await panel.getByText('It is.').waitFor()
    // Her last step was to open it again, and the one before it her answer.
    for (let steps = 0; steps < 2; steps++) await ann.getByRole('button', { name: 'Undo', exact: true }).click()
    await panel.getByText('It is.').waitFor({ state: 'detached' })
    // The thread is resolved again, as Bob left it, with what he wrote.
    await panel.getByRole('button', { name: 'Show 1 resolved' }).click()
    await panel.getByText('is this right?').waitFor()
  },
)

/** Opens the palette by key, and waits until it takes letters. */
async function openPalette(page: Page): Promise<void> {
  await page.keyboard.press('Control+K')
  const field = page.getByRole('combobox', { name: 'Command, or words to find' })
  await expect.poll(() => field.evaluate((input) => input === document.activeElement)).toBe(true)
}

it.skipIf(!pages.isThere)('[E74, E137] commands and a search by keyboard alone', async () => {
  await fill('palette', ['Plan', 'Notes'])
  const ann = await pages.visit('palette', { person: 'Ann' })
  await typeIn(ann, 'Notes', 'Measure twice and then cut once.')
  await saved(ann)
  await openPalette(ann)
  await ann.keyboard.type('CUT once')
  await ann.getByRole('option', { name: /^Notes/ }).waitFor()
  await ann.keyboard.press('Enter')
  const selection = () =>
    ann
      .getByRole('textbox', { name: 'Content of Notes' })
      .evaluate((field: HTMLTextAreaElement) => field.value.slice(field.selectionStart, field.selectionEnd))
  await expect.poll(selection).toBe('cut once')
  await openPalette(ann)
  await ann.keyboard.press('Escape')
  await expect.poll(() => ann.evaluate(() => document.activeElement?.ariaLabel)).toBe('Content of Notes')
  await openPalette(ann)
  await ann.keyboard.type('add text')
  // Where the system gives the colours, lines tell what grounds tell elsewhere.
  await ann.emulateMedia({ forcedColors: 'active' })
  const chosen = ann.locator('[role="option"][aria-selected="true"]')
  expect(await chosen.evaluate((it) => getComputedStyle(it).outlineStyle)).toBe('solid')
  const rim = await ann
    .locator('.people .avatar')
    .first()
    .evaluate((it) => [getComputedStyle(it).borderColor, getComputedStyle(document.body).backgroundColor])
  expect(rim[0]).not.toBe(rim[1])
  await ann.emulateMedia({ forcedColors: 'none' })
  await ann.keyboard.press('Enter')
  await card(ann, 'Text 1').waitFor()
  await openPalette(ann)
  await ann.keyboard.type('show the list')
  await ann.keyboard.press('Enter')
  await ann.getByRole('application', { name: 'Board' }).waitFor({ state: 'detached' })
  await openPalette(ann)
  await ann.keyboard.type('nothing of the kind')
  await ann.getByText('Nothing has “nothing of the kind” in it.').waitFor()
  // The field's cross, twelve pixels at its end, empties the field and leaves the list open.
  const field = ann.getByRole('combobox', { name: 'Command, or words to find' })
  const { x, y, width, height } = (await field.boundingBox()) ?? expect.fail('no field')
  const padding = await field.evaluate((it) => Number.parseFloat(getComputedStyle(it).paddingRight))
  await ann.mouse.click(x + width - padding - 6, y + height / 2)
  await expect.poll(() => field.inputValue()).toBe('')
  await ann.getByRole('option', { name: 'Add text block' }).waitFor()
})

it.skipIf(!pages.isThere)('[E75] one follows another’s view until one pans or presses Escape', async () => {
  await fill('follow', ['Plan', 'Notes'])
  const ann = await pages.visit('follow', { person: 'Ann' })
  const bob = await pages.visit('follow', { person: 'Bob' })
  /** The middle of the view, in pixels of the flow. */
  const middle = (page: Page) =>
    page.evaluate(() => {
      const frame = document.querySelector('.canvas')?.getBoundingClientRect() ?? new DOMRect()
      const viewport = document.querySelector('.react-flow__viewport') ?? document.body
      const { e, f, a } = new DOMMatrix(getComputedStyle(viewport).transform)
      return { x: (frame.width / 2 - e) / a, y: (frame.height / 2 - f) / a }
    })
  /** How far the views are from each other, pixels; positions are shown to others in whole ones. */
  const apart = async (): Promise<number> => {
    const [hers, his] = [await middle(ann), await middle(bob)]
    return Math.hypot(hers.x - his.x, hers.y - his.y)
  }
  await ann.getByRole('button', { name: 'Follow Bob' }).focus()
  await ann.keyboard.press('Enter')
  await ann.getByText('Following Bob').waitFor()
  await bob.mouse.move(640, 600)
  await bob.mouse.wheel(900, 500)
  await expect.poll(async () => (await middle(bob)).x).toBeGreaterThan(700)
  await expect.poll(apart).toBeLessThan(3)
  await ann.keyboard.press('Escape')
  await ann.getByText('Following Bob').waitFor({ state: 'detached' })
  await bob.mouse.wheel(500, 500)
  await expect.poll(apart).toBeGreaterThan(300)
  await ann.getByRole('button', { name: 'Follow Bob' }).focus()
  await ann.keyboard.press('Enter')
  await expect.poll(apart).toBeLessThan(3)
  await ann.mouse.move(640, 600)
  await ann.mouse.wheel(0, 300)
  await ann.getByText('Following Bob').waitFor({ state: 'detached' })
  // A person who is gone is followed no longer.
  await ann.getByRole('button', { name: 'Follow Bob' }).focus()
  await ann.keyboard.press('Enter')
  await ann.getByText('Following Bob').waitFor()
  await bob.context().close()
  await ann.getByText('Following Bob').waitFor({ state: 'detached' })
})

it.skipIf(!pages.isThere)(
  '[E72, E76] two people and a job move, connect and type at once; all see the same board, and undo spares the others',
  async () => {
    await fill('team', ['One', 'Two', 'Three'])
    const ann = await pages.visit('team', { person: 'Ann' })
    const bob = await pages.visit('team', { person: 'Bob' })
    const [one, two] = [await pages.idOf('team', 'One'), await pages.idOf('team', 'Two')]
    const dragging = grab(ann, 'One').then(async ({ x, y }) => {
      for (let step = 1; step <= 20; step++) await ann.mouse.move(x + step * 3, y + step * 6)
      await ann.mouse.up()
    })
    const typing = typeIn(bob, 'Two', 'Bob writes here, letter by letter.')
    const job = work('team', async (job) => {
      const block = job.blocks.get(two) ?? expect.fail('no block')
      const run = block.statuses('sync@1').startRun('crm', JOB)
      block.statuses('sync@1').report('crm', run, 'syncing', { ...JOB, progress: 3, total: 10 })
      for (let n = 0; n < 20; n++) {
        job.transact(() => block.content.insert(0, `job ${n}. `))
        job.transact(() => job.blocks.get(one)?.content.insert(0, `${n} `))
        await job.whenDurable()
      }
      job.transact(() => job.blocks.get(one)?.fields.set('title', 'One by the job', JOB))
    })
    await Promise.all([dragging, typing, job])
    await ann.getByRole('list', { name: 'Running' }).getByText('crm: syncing, 3 of 10').waitFor()
    // An edge by each of them, while the other moves a block by keys.
    const draw = async (page: Page, from: string, to: string) => {
      await card(page, from)
        .getByRole('button', { name: `Connect ${from} to…` })
        .click()
      await card(page, from).getByRole('combobox').selectOption({ label: to })
    }
    await Promise.all([draw(ann, 'One by the job', 'Three'), draw(bob, 'Two', 'Three')])
    await Promise.all([saved(ann), saved(bob)])

    const same = async (): Promise<void> => {
      await expect
        .poll(async () => JSON.stringify([await shownPlaces(bob), await shownEdges(bob)]))
        .toBe(JSON.stringify([await shownPlaces(ann), await shownEdges(ann)]))
      for (const title of ['One by the job', 'Two', 'Three']) {
        const text = await pages.contentOf('team', title)
        for (const page of [ann, bob]) await expect.poll(() => shownText(page, title)).toBe(text)
      }
    }
    await same()
    expect(await shownEdges(ann)).toHaveLength(2)
    expect((await pages.contentOf('team', 'Two'))?.replaceAll(/job \d+\. /g, '')).toBe(
      'Bob writes here, letter by letter.',
    )
    const moved = (await shownPlaces(ann))['One by the job']
    expect(moved).not.toBe('0,0')
    // Ann takes back all that is hers: her edge and her move. The rest stays.
    for (let steps = 0; steps < 2; steps++) await ann.getByRole('button', { name: 'Undo', exact: true }).click()
    await expect.poll(async () => (await shownPlaces(bob))['One by the job']).toBe('0,0')
    await same()
    expect(await shownEdges(bob)).toHaveLength(1)
    expect(await pages.contentOf('team', 'One by the job')).toContain('19 18 17')
    expect(await pages.contentOf('team', 'Two')).toContain('letter by letter.')
  },
)
