import type { IndexingRun, ReportResult } from '@joinery/blocks'
import type { Fork } from '@joinery/client'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** A poller that looks, is held up, and reports on what it saw long ago. */
export function createPollingSteps({ workspace, author, pause, note }: StepContext) {
  let seen: { fork: Fork; run: IndexingRun; block: string; index: string } | undefined
  return {
    /** Sees a run under way. From here on it learns nothing new. */
    async look({ block, index }: { block: string; index: string }): Promise<void> {
      const fork = workspace.fork()
      const entry = blockOf(fork.blocks, block).indexingList.get(index)
      if (entry === undefined) throw new DemonstrationError('writer_failed', `the poller sees no index "${index}"`)
      seen = { fork, run: entry.run, block, index }
      note('The poller has seen the run under way, and is held up.')
    },

    /** Reports the time-out it believes in, then the status it saw: both unaware of what happened since. */
    async reportLate(): Promise<void> {
      if (seen === undefined) throw new DemonstrationError('writer_failed', 'the poller has not looked yet')
      const { fork, run, block, index } = seen
      const list = blockOf(fork.blocks, block).indexingList
      list.report(index, run, 'error', { ...author, error: 'time-out: no answer for 30 s' })
      fork.merge()
      await workspace.whenDurable()
      await pause(1_000)
      // Straight into the live document this time, where the finished run stands: it is recorded, and shown nowhere.
      const late: ReportResult = blockOf(workspace.blocks, block).indexingList.report(index, run, 'processing', author)
      await workspace.whenDurable()
      note(`The poller said “error: time-out”, then “processing”. ${late.shown ? 'It shows.' : 'Neither shows.'}`)
    },
  }
}
