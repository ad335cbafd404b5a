import type { Scenario } from './scenario.ts'

/** Scenario without a failure: the worker that a product would have running. */
export const indexWaiting: Scenario = {
  title: 'Index what is waiting',
  danger: 'An index that somebody has started waits for a worker. This button starts one.',
  takesBlock: false,
  async play(stage) {
    const worker = await stage.enter('indexer', 'workflow_execution')
    const count = await worker.do('indexWaiting', undefined)
    stage.remark(
      count === 0 ? 'Nothing was waiting.' : `The worker worked on ${count} index${count === 1 ? '' : 'es'}.`,
    )
  },
}
