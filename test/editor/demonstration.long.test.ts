import { connectWorkspace } from '@joinery/client'
import { LETTERS } from '@joinery/resources/search'
import type { Page, Route } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { VectorFiles } from '../../apps/demonstration/src/search/vector-files.ts'
import { createIndexingSteps } from '../../apps/demonstration/src/steps/indexing.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { openPages, typeIn } from './open-pages.ts'
import { recordedStatuses, recordStatuses, stepsDown } from './shown-statuses.ts'

const pages = openPages()

interface Paces {
  readonly rewrite?: number
  readonly others: number
}

/** Makes demonstrations on this page faster: people need time to see what happens, tests don't. */
const hurry = (page: Page, paces: Paces) => page.route('**/demo/start', (route) => passOn(route, paces))

/** Lets the page's order through, at another pace. */
function passOn(route: Route, paces: Paces): Promise<void> {
  const order = route.request().postDataJSON() as { scenario: string }
  const pace = (order.scenario === 'rewrite' ? paces.rewrite : undefined) ?? paces.others
  return route.continue({ postData: JSON.stringify({ ...order, pace }) })
}

/** The demonstration's indexing job, in this process: it stops half-way and stays there until it is closed. */
async function startHalfIndexing(workspaceName: string, directory: string): Promise<{ close(): Promise<void> }> {
  const author = { actor: 'indexer', source: 'workflow_execution' } as const
  const workspace = connectWorkspace({ url: pages.url, workspace: workspaceName, ...author })
  const closed = Promise.withResolvers<never>()
  const { indexWaiting } = createIndexingSteps({
    workspace,
    workspaceName,
    httpUrl: pages.httpUrl,
    author,
    vectors: new VectorFiles(directory),
    embedder: LETTERS,
    pace: 1,
    pause: () => closed.promise,
    note: () => undefined,
    reached: () => undefined,
  })
  await workspace.whenSynced
  const ended = indexWaiting()
  ended.catch(() => undefined)
  return {
    async close() {
      await workspace.close()
      closed.reject(new Error('the test has closed the worker'))
      await expect(ended).rejects.toMatchObject({ code: 'closed' })
    },
  }
}

const panelOf = (page: Page) => page.getByRole('complementary', { name: 'Demonstration' })

async function openPanel(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Demonstration' }).click()
  await panelOf(page).getByRole('button', { name: TWO_JOBS }).waitFor()
}

const start = (page: Page, scenario: string): Promise<void> =>
  panelOf(page).getByRole('button', { name: scenario }).click()

/** Waits for the end of the scenario. Then so many findings hold, and none is broken. */
async function finished(page: Page, scenario: string, findings: number): Promise<void> {
  const played = panelOf(page).getByRole('region', { name: 'What is played' })
  await played.filter({ has: page.getByRole('heading', { name: scenario }) }).waitFor()
  await played.locator('[data-state=finished]').waitFor()
  const counts = async () => [await played.locator('.holds').count(), await played.locator('.broken').count()]
  await expect.poll(counts).toEqual([findings, 0])
}

const REWRITE = 'Rewrite while I type'
const POLLER = 'Late poller against a finished run'
const TWO_JOBS = 'Two jobs add an index at once'
const KILL = 'Kill the server’s job half-way and reload'
const WORKDAY = 'A day’s work'

it('[P7] a page that showed a finished run as unfinished or another result, or an older run, would be caught', () => {
  const shown = (...steps: [number, string][]) => ({ 'b/main': steps.map(([run, status]) => ({ run, status })) })
  const flickers = [
    shown([1, 'processing'], [1, 'done'], [1, 'processing']),
    shown([1, 'done'], [1, 'error'], [1, 'done']),
    shown([2, 'processing'], [1, 'done']),
  ]
  expect(flickers.map((recording) => stepsDown(recording).length)).toEqual([1, 1, 1])
  expect(stepsDown(shown([1, 'notStarted'], [1, 'processing'], [1, 'error'], [2, 'processing'], [2, 'done']))).toEqual(
    [],
  )
})

describe.skipIf(!pages.isThere)('the demonstration, started from the page', () => {
  it('[P7, D9, D10, D11, D12] provokes the four failures, and no page sees one', async () => {
    const ann = await pages.visit('four')
    const bob = await pages.visit('four')
    // The workflow waits for a stroke for as long as it may: half a minute.
    await hurry(ann, { rewrite: 2, others: 0.05 })
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await typeIn(ann, 'Text 1', 'measure twice. cut once.')
    await bob.getByRole('region', { name: 'Text 1' }).waitFor()
    await Promise.all([recordStatuses(ann), recordStatuses(bob)])
    await openPanel(ann)
    await panelOf(ann).getByLabel('Work on').selectOption({ label: 'Text 1' })

    await start(ann, REWRITE)
    await panelOf(ann).getByText('Type in it now').waitFor()
    await typeIn(ann, 'Text 1', ' typed meanwhile')
    await finished(ann, REWRITE, 1)
    const rewritten = await pages.contentOf('four', 'Text 1')
    expect(rewritten).toContain('typed meanwhile')
    expect(rewritten).toContain('Measure twice.\nCut once.')

    await start(ann, POLLER)
    await finished(ann, POLLER, 2)
    await start(ann, TWO_JOBS)
    await finished(ann, TWO_JOBS, 1)
    const indexes = bob.getByRole('region', { name: 'Text 1' }).locator('[data-index][data-status=done]')
    await expect.poll(() => indexes.count()).toBe(3)
    const seenByAnn = await recordedStatuses(ann)

    await start(ann, KILL)
    await panelOf(ann).getByText('was killed half-way').waitFor()
    await ann.reload()
    await openPanel(ann)
    await finished(ann, KILL, 2)
    // The workflow has tidied once more: it begins sentences with a capital.
    expect(await pages.contentOf('four', 'Text 1')).toMatch(/typed meanwhile/i)

    const seenByBob = await recordedStatuses(bob)
    const runs = Object.values(seenByBob)
      .flat()
      .map(({ run }) => run)
    expect(runs.length).toBeGreaterThan(6)
    expect(runs.filter((run) => !Number.isInteger(run))).toEqual([])
    expect([...stepsDown(seenByAnn), ...stepsDown(seenByBob)]).toEqual([])
    expect(
      Object.values(seenByBob)
        .flat()
        .map(({ status }) => status),
    ).not.toContain('error')
  })

  it('[P8, D5, D14] an index that a person starts is built before their eyes, and its search finds the passage', async () => {
    await using directory = await tempDirectory()
    const ann = await pages.visit('search')
    const asked = Promise.withResolvers<Route>()
    await ann.route('**/demo/start', asked.resolve)
    await ann.getByRole('button', { name: 'Add vector collection' }).click()
    await typeIn(ann, 'Collection 1', 'Oak moves across the grain. Violins are repaired with hide glue and warm water.')
    const block = ann.getByRole('region', { name: 'Collection 1' })
    await block.getByRole('button', { name: 'Start index' }).click()
    const order = await asked.promise
    const first = await startHalfIndexing('search', directory.path)
    await block.getByText('main: Processing, 1 of 1 passages', { exact: true }).waitFor()
    await first.close()
    await block.getByText(/^main: (Processing|Waiting for a worker)$/).waitFor()
    // Now the worker comes that the page has asked for, and builds what is still waiting.
    await passOn(order, { others: 0.05 })
    await block.locator('[data-index=main][data-status=done]').waitFor()
    await block.getByRole('searchbox', { name: 'Search in Collection 1' }).fill('how to repair a violin')
    await ann.keyboard.press('Enter')
    await block.getByRole('list', { name: 'Found passages' }).getByText('Violins are repaired').waitFor()
  })

  it('[D13, E17] a day’s work, started from an empty board, fills the board while somebody watches, and every index ends as done', async () => {
    const ann = await pages.visit('day')
    await hurry(ann, { others: 0.05 })
    await recordStatuses(ann)
    const watch = ann.getByRole('button', { name: 'Watch a day’s work' })
    await openPanel(ann)
    await watch.click()
    await expect.poll(() => ann.evaluate(() => document.activeElement?.ariaLabel)).toBe('Content of Research notes')
    await finished(ann, WORKDAY, 4)
    const lastShown = async () => Object.values(await recordedStatuses(ann)).map((shown) => shown.at(-1)?.status)
    await expect.poll(lastShown).toEqual(['done', 'done', 'done'])
    const recording = await recordedStatuses(ann)
    expect(
      Object.values(recording)
        .flat()
        .map(({ status }) => status),
    ).toContain('error')
    expect(stepsDown(recording)).toEqual([])

    // The panel is still open when the board is empty again.
    const url = { url: pages.url, workspace: 'day' }
    await using cleaner = connectWorkspace({ ...url, actor: 'cleaner', source: 'workflow_execution' })
    await cleaner.whenSynced
    for (const { id } of cleaner.blocks.list()) cleaner.blocks.delete(id)
    await watch.click()
    await panelOf(ann).getByRole('button', { name: 'Stop', exact: true }).click()
    await panelOf(ann).locator('[data-state=stopped]').waitFor()
  })
})
