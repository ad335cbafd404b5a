import { randomUUID } from 'node:crypto'
import { withTemplate } from './chosen-block.ts'
import { findIntact, findNoStepDown, findTyped } from './findings.ts'
import { indexAgainstLatePoller } from './late-poller.ts'
import type { Scenario, Stage } from './scenario.ts'

/** Plays all kinds of writers together. */
export const workday: Scenario = {
  title: 'A day’s work',
  danger:
    'A template, a workflow and a poller write the blocks you type in. A job fails and is tried again; another is killed.',
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
    // The block is empty: the job fails and says so. The second try comes after somebody has written the text.
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
  // This step rejects, because its process is killed.
  victim.do('index', { block, index, runId, holds: true }).catch(() => undefined)
  await victim.reached('halfway')
  await victim.kill()
  stage.remark('A job was killed half-way (SIGKILL). Another process goes on with its run.')
  const heir = await stage.enter('indexer, started again', 'workflow_execution')
  await heir.do('index', { block, index, runId })
}
