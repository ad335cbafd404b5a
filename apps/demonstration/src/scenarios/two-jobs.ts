import { chosenBlock } from './chosen-block.ts'
import type { Scenario } from './scenario.ts'

const INDEXES = ['by topic', 'by person'] as const

/** Provokes the failure "a lost update". */
export const twoJobs: Scenario = {
  title: 'Two jobs add an index at once',
  danger: 'Both jobs read the list, both write it back with one more entry, and one of the two entries is gone.',
  takesBlock: true,
  async play(stage) {
    const block = await chosenBlock(stage)
    const [first, second, witness] = await Promise.all([
      stage.enter('job 1', 'workflow_execution'),
      stage.enter('job 2', 'workflow_execution'),
      stage.enter('witness', 'polling_sync'),
    ])
    const jobs = [first, second]
    await Promise.all(jobs.map((job, at) => job.do('prepareAdding', { block, index: INDEXES[at] as string })))
    stage.remark('Both jobs have read the list, and neither knows of the other. Now both write.')
    const runs = await Promise.all(jobs.map((job) => job.do('add', undefined)))
    await Promise.all(
      jobs.map((job, at) => job.do('index', { block, index: INDEXES[at] as string, runId: runs[at] as string })),
    )
    for (const index of INDEXES) await witness.do('testify', { block, index, until: ['done'] })
    const { indexes } = await witness.do('testify', { block, index: INDEXES[0], until: ['done'] })
    const isBoth = INDEXES.every((index) => indexes.includes(index))
    stage.find(isBoth, `Both entries are there: ${indexes.map((name) => `“${name}”`).join(', ')}.`)
  },
}
