import type { IndexingRun, ReportResult } from '@joinery/blocks'
import type { Fork } from '@joinery/client'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** Steps of a poller that reads a status, is delayed, and then reports on that old status. */
export function createPollingSteps({ workspace, author, pause, note }: StepContext) {
  let seen: { fork: Fork; run: IndexingRun; block: string; index: string } | undefined
  return {
    /** Reads the status of a run under way, in a fork. The poller does not see later changes. */
    async look({ block, index }: { block: string; index: string }): Promise<void> {
      const fork = workspace.fork()
      const entry = blockOf(fork.blocks, block).indexingList.get(index)
      if (entry === undefined)
        throw new DemonstrationError('writer_failed', `the poller sees no index "${index}" in the block`)
      seen = { fork, run: entry.run, block, index }
      note('The poller has seen the run under way, and is held up.')
    },

    /** Reports a time-out, then the status it saw; both reports ignore everything that happened since. */
    async reportLate(): Promise<void> {
      if (seen === undefined) throw new DemonstrationError('writer_failed', 'the poller has not looked yet')
      const { fork, run, block, index } = seen
      const list = blockOf(fork.blocks, block).indexingList
      list.report(index, run, 'error', { ...author, error: 'time-out: no answer for 30 s' })
      fork.merge()
      await workspace.whenDurable()
      await pause(1_000)
      // This time into the live document, which shows the finished run: the report is recorded and shown nowhere.
      const late: ReportResult = blockOf(workspace.blocks, block).indexingList.report(index, run, 'processing', author)
      await workspace.whenDurable()
      note(`The poller said “error: time-out”, then “processing”. ${late.shown ? 'It shows.' : 'Neither shows.'}`)
    },
  }
}
