import type { IndexingRun } from '@joinery/blocks'
import type { Fork } from '@joinery/client'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** Steps of a job that adds an index to a list that it read before another job added one. */
export function createAddingSteps({ workspace, author }: StepContext) {
  let prepared: { fork: Fork; run: IndexingRun } | undefined
  return {
    /** Reads the list and adds an index in a fork, which nobody else sees yet. */
    async prepareAdding({ block, index }: { block: string; index: string }): Promise<void> {
      const fork = workspace.fork()
      const run = blockOf(fork.blocks, block).indexingList.startRun(index, author)
      prepared = { fork, run }
    },

    /** Merges the fork. Resolves with the id of the index's run, once it is durable. */
    async add(): Promise<string> {
      if (prepared === undefined) throw new DemonstrationError('writer_failed', 'the job has prepared nothing')
      prepared.fork.merge()
      await workspace.whenDurable()
      return prepared.run.id
    },
  }
}
