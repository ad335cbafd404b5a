import type { IndexingRun } from '@joinery/blocks'
import type { Fork } from '@joinery/client'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** A job that adds an index from what it read before another job added one. */
export function createAddingSteps({ workspace, author }: StepContext) {
  let prepared: { fork: Fork; run: IndexingRun } | undefined
  return {
    /** Reads and decides; nobody sees anything of it yet. */
    async prepareAdding({ block, index }: { block: string; index: string }): Promise<void> {
      const fork = workspace.fork()
      const run = blockOf(fork.blocks, block).indexingList.startRun(index, author)
      prepared = { fork, run }
    },

    /** Writes. Resolves with the id of its run, when that is durable. */
    async add(): Promise<string> {
      if (prepared === undefined) throw new DemonstrationError('writer_failed', 'the job has prepared nothing')
      prepared.fork.merge()
      await workspace.whenDurable()
      return prepared.run.id
    },
  }
}
