import type { WriterProcess } from '../writer-process.ts'
import { chosenBlock } from './chosen-block.ts'
import { findNoStepDown } from './findings.ts'
import type { Scenario, Stage } from './scenario.ts'

/** Provokes the failure "an oscillating front end". */
export const latePoller: Scenario = {
  title: 'Late poller against a finished run',
  danger: 'The screen says done, then error because a delayed poller reports a time-out, then done again.',
  takesBlock: true,
  async play(stage) {
    const block = await chosenBlock(stage)
    const workflow = await stage.enter('workflow', 'workflow_execution')
    await indexAgainstLatePoller(stage, workflow, block, 'main')
  },
}

/** The workflow builds the index. A poller that has seen the run under way is delayed, and reports afterwards. */
export async function indexAgainstLatePoller(
  stage: Stage,
  workflow: WriterProcess,
  block: string,
  index: string,
): Promise<void> {
  const [poller, witness] = await Promise.all([
    stage.enter('poller', 'polling_sync'),
    stage.enter('witness', 'polling_sync'),
  ])
  const built = workflow.do('index', { block, index, holds: true })
  // Nobody awaits the step until below; a failure before must not count as unhandled.
  built.catch(() => undefined)
  await Promise.race([workflow.reached('halfway'), built])
  await Promise.all([poller, witness].map((it) => it.do('testify', { block, index, until: ['processing'] })))
  await witness.do('watch', { block, index })
  await poller.do('look', { block, index })
  await workflow.do('goOn', undefined)
  await built
  await witness.do('testify', { block, index, until: ['done'] })
  await poller.do('reportLate', undefined)
  const testimony = await witness.do('testify', { block, index, until: ['done', 'error'] })
  findNoStepDown(stage, testimony)
  stage.find(testimony.shown.at(-1)?.endsWith('done') === true, 'The run’s own “done” stands.')
}
