import { describe, expect, it } from 'vitest'
import { openPages, shownText, typeIn } from './open-pages.ts'

const pages = openPages()

const headOf = async (workspace: string): Promise<number> =>
  ((await (await fetch(`${pages.httpUrl}/v1/workspaces/${workspace}`)).json()) as { lsn: number }).lsn

describe.skipIf(!pages.isThere)('the history panel', () => {
  it('[P1, P3, P12] shows a state of then beside now, and restores it for both browsers', async () => {
    const ann = await pages.visit('past')
    const bob = await pages.visit('past')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'Measure twice.')
    await expect.poll(() => pages.contentOf('past', 'Text 1')).toBe('Measure twice.')
    const then = await headOf('past')
    await typeIn(bob, 'Text 1', ' Cut once.')
    await bob.getByRole('button', { name: 'Add vector collection' }).click()
    await ann.getByRole('region', { name: 'Collection 1' }).waitFor()
    await expect.poll(() => shownText(ann, 'Text 1')).toBe('Measure twice. Cut once.')

    await ann.getByRole('button', { name: 'History' }).click()
    const panel = ann.getByRole('complementary', { name: 'History' })
    const slider = panel.getByRole('slider', { name: 'Point in the history' })
    const head = await headOf('past')
    await expect.poll(() => slider.getAttribute('max')).toBe(String(head))
    await slider.fill(String(then))
    await panel.locator('ins').getByText('Cut once.').waitFor()
    await panel.getByText('Added since then').waitFor()
    expect(await slider.getAttribute('aria-valuetext')).toMatch(new RegExp(`^${then} of ${head}, .+, .+`))

    await panel.getByRole('button', { name: 'As it was' }).click()
    const past = panel.getByRole('list', { name: 'Blocks as they were' })
    await past.getByText('Measure twice.', { exact: true }).waitFor()
    expect(await past.getByRole('heading').allTextContents()).toEqual(['Text 1'])

    await panel.getByRole('button', { name: 'Restore this state' }).click()
    await panel.getByText('An index that was finished then shows as finished again').waitFor()
    expect(await headOf('past')).toBe(head)
    await panel.getByRole('button', { name: 'Restore for everybody' }).click()
    for (const page of [ann, bob]) {
      await page.getByRole('region', { name: 'Collection 1' }).waitFor({ state: 'detached' })
      await expect.poll(() => shownText(page, 'Text 1')).toBe('Measure twice.')
    }
    await panel.getByRole('status').getByText(`To take that back, restore step ${head} of the slider.`).waitFor()
    // Forward: what was there before is a point of the past now, and comes back the same way.
    await expect.poll(() => slider.getAttribute('max')).toBe(String(head + 1))
    await slider.fill(String(head))
    await panel.getByRole('button', { name: 'Restore this state' }).click()
    await panel.getByRole('button', { name: 'Restore for everybody' }).click()
    await expect.poll(() => shownText(bob, 'Text 1')).toBe('Measure twice. Cut once.')
  })

  it('[P1, P4, P11, P12, P13] the steps say who did what, and lead to the state right after', async () => {
    const ann = await pages.visit('steps')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'Cut once.')
    await expect.poll(() => pages.contentOf('steps', 'Text 1')).toBe('Cut once.')
    await ann.getByRole('button', { name: 'History' }).click()
    const steps = ann.getByRole('list', { name: 'Steps' })
    await steps.getByText('wrote in “Text 1”').waitFor()
    // The newest step comes first, and a move is told without a field and its coordinates.
    const title = ann.getByRole('textbox', { name: 'Title of Text 1' })
    await title.fill('Plan')
    await title.press('Enter')
    await ann.getByRole('group', { name: 'Plan', exact: true }).focus()
    await ann.keyboard.press('Enter')
    await ann.keyboard.press('ArrowDown')
    const listed = steps.getByRole('listitem')
    await steps.getByText('moved “Plan”').waitFor()
    expect(await listed.first().textContent()).toMatch(/moved “Plan”$/)
    expect(await listed.nth(1).textContent()).toMatch(/renamed “Plan”$/)
    expect(await listed.last().textContent()).toMatch(/made “Plan”$/)
    await steps.getByText('wrote in “Plan”').click()
    const panel = ann.getByRole('complementary', { name: 'History' })
    await panel.getByText('Moved on the canvas.').waitFor()
    await panel.getByRole('term').getByText('Name').waitFor()
    expect(await panel.textContent()).not.toMatch(/position|title|\{"x"/)
    await steps.getByText('made “Plan”').click()
    await ann.getByRole('complementary', { name: 'History' }).locator('ins').getByText('Cut once.').waitFor()
    const url = `${pages.httpUrl}/v1/workspaces/steps/blocks/${await pages.idOf('steps', 'Plan')}`
    const job = { 'X-Joinery-Actor': 'nightly', 'X-Joinery-Source': 'workflow_execution' }
    const init = { method: 'PATCH', headers: { ...job, 'Content-Type': 'application/json' } }
    expect((await fetch(url, { ...init, body: JSON.stringify({ content: 'Cut twice.' }) })).status).toBe(200)
    await steps.getByText('nightly, a run, wrote the text of “Plan”').waitFor()
    // A block that is gone keeps the title that it had.
    expect((await fetch(url, { method: 'DELETE', headers: job })).status).toBe(204)
    await steps.getByText('nightly, a run, deleted “Plan”').waitFor()
    await steps.getByText('made “Plan”, deleted since').waitFor()
    await ann.keyboard.press('Escape')
    await ann.getByRole('complementary', { name: 'History' }).waitFor({ state: 'detached' })
    expect(await ann.evaluate(() => document.activeElement?.textContent)).toBe('History')
  })
})
