import { chosenBlock } from './chosen-block.ts'
import { findTyped } from './findings.ts'
import type { Scenario } from './scenario.ts'

/** Provokes the failure "a race on a block's data". */
export const rewriteWhileTyping: Scenario = {
  title: 'Rewrite while I type',
  danger: 'A job writes back the whole text that it read a minute ago, and drops what you typed since then.',
  takesBlock: true,
  async play(stage) {
    const block = await chosenBlock(stage)
    const workflow = await stage.enter('workflow', 'workflow_execution')
    findTyped(stage, await workflow.do('rewrite', { block, waits: true }))
    await workflow.do('index', { block, index: 'main' })
  },
}
