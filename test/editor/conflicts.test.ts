import { connectWorkspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { violations } from './axe.ts'
import { openPages } from './open-pages.ts'

const pages = openPages()

/** A poller that has seen a run under way, and reports a time-out when the run is done. */
async function contradict(workspace: string, block: string): Promise<void> {
  const author = { actor: 'sweeper', source: 'polling_sync' } as const
  const job = { actor: 'indexer', source: 'workflow_execution' } as const
  const poller = connectWorkspace({ url: pages.url, workspace, ...author })
  const worker = connectWorkspace({ url: pages.url, workspace, ...job })
  try {
    await Promise.all([poller.whenSynced, worker.whenSynced])
    const list = worker.blocks.get(block)?.indexingList
    const run = list?.startRun('main', job)
    if (list === undefined || run === undefined) throw new Error('the block is not there')
    await expect.poll(() => poller.blocks.get(block)?.indexingList.get('main')?.status).toBe('processing')
    const fork = poller.fork()
    list.report('main', run, 'done', { ...job, chunks: 3 })
    await worker.whenDurable()
    fork.blocks.get(block)?.indexingList.report('main', run, 'error', { ...author, error: 'time-out' })
    fork.merge()
    await poller.whenDurable()
  } finally {
    await Promise.all([poller.close(), worker.close()])
  }
}

describe.skipIf(!pages.isThere)('the conflict tray', () => {
  it('[P5, P6, E11] tells in words what lost to what, by keyboard alone, and forgets what was dismissed', async () => {
    const ann = await pages.visit('tray')
    await ann.getByRole('button', { name: 'Add text block' }).click()
    await expect.poll(async () => (await pages.blocks('tray')).length).toBe(1)
    const [block] = await pages.blocks('tray')
    await contradict('tray', block?.id ?? '')

    const headline = '“Text 1”: index main stays “done”, as indexer (a workflow) said.'
    await ann.locator('[aria-live=polite]').getByText(`Conflict settled: ${headline}`).waitFor()
    const button = ann.getByRole('button', { name: 'Conflicts' })
    await expect.poll(() => button.textContent()).toBe('Conflicts 1 to read')
    await button.focus()
    await ann.keyboard.press('Enter')
    const tray = ann.getByRole('complementary', { name: 'Conflicts' })
    await tray.getByText(headline).waitFor()
    await tray.getByText('sweeper (a poller) said “failed: time-out”.').waitFor()
    await tray.getByText('the one from a workflow counts more than the one from a poller').waitFor()
    expect(await violations(ann, 'aside')).toEqual([])

    await tray.getByRole('button', { name: 'Open block' }).focus()
    await ann.keyboard.press('Enter')
    const focused = () => ann.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    await expect.poll(focused).toBe('Content of Text 1')
    await tray.getByRole('button', { name: 'Dismiss', exact: true }).focus()
    await ann.keyboard.press('Enter')
    await tray.getByText('Nobody has contradicted anybody').waitFor()
    await ann.keyboard.press('Escape')
    await tray.waitFor({ state: 'detached' })
    expect(await button.textContent()).toBe('Conflicts')
  })
})
