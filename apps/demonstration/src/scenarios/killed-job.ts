import { randomUUID } from 'node:crypto'
import { chosenBlock } from './chosen-block.ts'
import { findIntact, findNoStepDown } from './findings.ts'
import type { Scenario } from './scenario.ts'

/** Provokes the failure "a corrupted workspace history". */
export const killedJob: Scenario = {
  title: 'Kill the server’s job half-way and reload',
  danger: 'A process dies between two writes, and from then on the workspace loads a half-written state.',
  takesBlock: true,
  async play(stage) {
    const block = await chosenBlock(stage)
    const index = 'main'
    const runId = randomUUID()
    const [victim, witness] = await Promise.all([
      stage.enter('workflow', 'workflow_execution'),
      stage.enter('witness', 'polling_sync'),
    ])
    await victim.do('rewrite', { block, waits: false })
    // This step rejects, because the scenario kills its process.
    victim.do('index', { block, index, runId, holds: true }).catch(() => undefined)
    await victim.reached('halfway')
    await witness.do('testify', { block, index, until: ['processing'] })
    await witness.do('watch', { block, index })
    await victim.kill()
    stage.remark('The job’s process was killed half-way (SIGKILL). Reload the page if you like.')
    const heir = await stage.enter('workflow, started again', 'workflow_execution')
    stage.remark('Another process goes on with the same run.')
    await heir.do('index', { block, index, runId })
    findNoStepDown(stage, await witness.do('testify', { block, index, until: ['done'] }))
    findIntact(stage, await witness.do('checkHistory', undefined))
  },
}
