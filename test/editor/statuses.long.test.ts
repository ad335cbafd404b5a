import { defineMachine, FILE } from '@joinery/blocks'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openPages } from './open-pages.ts'
import { SCAN } from './scan-machine.ts'

const pages = openPages()

/** Runs in the page before its own script: its table is then another one than the server's. */
function swapRanks(): void {
  document.addEventListener('readystatechange', () => {
    const tables = document.getElementById('machines')
    const text = tables?.textContent?.replace('["asked","clean","infected"]', '["asked","infected","clean"]')
    if (tables !== null && text !== undefined) tables.textContent = text
  })
}

const JOB = { source: 'polling_sync', actor: 'job' } as const
const ADA = { source: 'user_action', actor: 'ada' } as const

it.skipIf(!pages.isThere)(
  "[E41] a block shows its statuses, those of the application's own machine with its tones, and others as they stand",
  async () => {
    const scan = defineMachine(SCAN)
    const job = connectWorkspace({ url: pages.url, workspace: 'statuses', ...JOB, machines: [scan] })
    try {
      await job.whenSynced
      const block = job.blocks.create({ type: 'text' })
      const files = block.statuses(FILE)
      const upload = files.startRun('report.pdf', ADA)
      const scanned = block.statuses(scan).startRun('report.pdf', ADA)
      await job.whenDurable()
      const ann = await pages.visit('statuses')
      const chips = ann.getByRole('list', { name: 'Resources' }).getByRole('listitem')
      await chips.getByText('report.pdf (file@1): pending').waitFor()
      await chips.getByText('report.pdf (scan@1): asked').waitFor()
      files.report('report.pdf', upload, 'syncing', { ...JOB, progress: 3, total: 10 })
      await chips.getByText('report.pdf (file@1): syncing, 3 of 10').waitFor()
      files.report('report.pdf', upload, 'syncing', { ...JOB, stalled: { since: 1, why: 'no answer' } })
      await chips.getByText('report.pdf (file@1): stalled: no answer').waitFor()
      block.statuses(scan).report('report.pdf', scanned, 'infected', JOB)
      const infected = chips.filter({ hasText: 'report.pdf (scan@1): infected' })
      await infected.waitFor()
      expect(await infected.getAttribute('class')).toContain('error')
      expect(await chips.count()).toBe(2)
      block.statuses(scan).remove('report.pdf')
      await expect.poll(() => chips.count()).toBe(1)
    } finally {
      await job.close()
    }
  },
)

it.skipIf(!pages.isThere)(
  '[E41] a page that has another table than the server, as an old copy of it has, shows statuses as they stand and goes on',
  async () => {
    const job = connectWorkspace({ url: pages.url, workspace: 'mismatch', ...JOB, machines: [defineMachine(SCAN)] })
    try {
      await job.whenSynced
      const block = job.blocks.create({ type: 'text' })
      block.statuses('scan@1').startRun('a.pdf', ADA as never)
      await job.whenDurable()
      const ann = await pages.visit('mismatch', {
        prepare: async (page) => {
          await page.addInitScript(swapRanks)
        },
      })
      const chips = ann.getByRole('list', { name: 'Resources' }).getByRole('listitem')
      await chips.getByText('a.pdf (scan@1): ada says "asked"').waitFor()
      block.statuses(FILE).startRun('b.pdf', ADA)
      await chips.getByText('b.pdf (file@1): pending').waitFor()
      const list = block.map.get('statuses')
      expect(list instanceof Y.Array && list.length).toBe(2)
    } finally {
      await job.close()
    }
  },
)
