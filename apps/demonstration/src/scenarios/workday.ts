import { randomUUID } from 'node:crypto'
import { withTemplate } from './chosen-block.ts'
import { findIntact, findNoStepDown, findTyped } from './findings.ts'
import { indexAgainstLatePoller } from './late-poller.ts'
import type { Scenario, Stage } from './scenario.ts'

/** All kinds of writers in one go. */
export const workday: Scenario = {
  title: 'A day’s work',
  danger: 'Template, workflow and poller on the blocks you type in: a job fails and is tried again, one is killed.',
  takesBlock: false,
  async play(stage) {
    const prefix = randomUUID().slice(0, 8)
    const { notes, minutes, library } = await withTemplate(stage, (it) => it.do('instantiate', { prefix }))
    await stage.block(() => Promise.resolve(notes))
    const [workflow, witness] = await Promise.all([
      stage.enter('workflow', 'workflow_execution'),
      stage.enter('witness', 'polling_sync'),
    ])
    const index = 'main'
    await witness.do('watch', { block: minutes, index })
    findTyped(stage, await workflow.do('rewrite', { block: notes, waits: true }))
    await indexAgainstLatePoller(stage, workflow, notes, index)
    // Nothing in it yet: the job says so, and the second try finds what was forgotten.
    await workflow.do('index', { block: minutes, index })
    await witness.do('testify', { block: minutes, index, until: ['error'] })
    await withTemplate(stage, (it) => it.do('writeMinutes', { block: minutes }))
    await workflow.do('index', { block: minutes, index })
    findNoStepDown(stage, await witness.do('testify', { block: minutes, index, until: ['done'] }))
    await indexKilledHalfway(stage, library, index)
    await witness.do('testify', { block: library, index, until: ['done'] })
    findIntact(stage, await witness.do('checkHistory', undefined))
  },
}

async function indexKilledHalfway(stage: Stage, block: string, index: string): Promise<void> {
  const runId = randomUUID()
  const victim = await stage.enter('indexer', 'workflow_execution')
  // It dies with its process.
  victim.do('index', { block, index, runId, holds: true }).catch(() => undefined)
  await victim.reached('halfway')
  await victim.kill()
  stage.remark('A job was killed half-way (SIGKILL). Another process goes on with its run.')
  const heir = await stage.enter('indexer, started again', 'workflow_execution')
  await heir.do('index', { block, index, runId })
}
