import type { Demonstration } from '../demonstration.ts'
import { chosenBlock } from './chosen-block.ts'
import type { Scenario } from './scenario.ts'

/** A race on a block's data. */
export const rewriteWhileTyping: Scenario = {
  title: 'Rewrite while I type',
  danger: 'A job that writes back the whole text it read a minute ago drops what you typed since.',
  takesBlock: true,
  async play(demonstration) {
    const block = await chosenBlock(demonstration)
    const workflow = await demonstration.enter('workflow', 'workflow_execution')
    const { typedMeanwhile, stillThere, chars } = await workflow.do('rewrite', { block, waits: true })
    findTyped(demonstration, typedMeanwhile, stillThere, chars)
    await workflow.do('index', { block, index: 'main' })
  },
}

function findTyped(demonstration: Demonstration, typed: number, stands: number, chars: number): void {
  if (typed === 0) {
    demonstration.remark('Nobody typed this time. Play it again, and type in the block while the workflow thinks.')
    return
  }
  demonstration.find(
    stands === typed,
    `${stands} of ${typed} characters typed meanwhile stand beside the workflow’s. Writing back the ${chars} characters it had read would have dropped them.`,
  )
}
