import { randomUUID } from 'node:crypto'
import { templateBlocks, templateText } from '../template/template-saga.ts'
import type { Scenario, Stage } from './scenario.ts'

const SENTENCE = ' Ada adds: the bench needs a vise.'

/** Provokes the failure "a template of which only a half is there". */
export const templateKilled: Scenario = {
  title: 'Use a template, and kill its worker half-way',
  danger: 'The process that makes the blocks dies, and nobody knows which half of them is there.',
  takesBlock: false,
  async play(stage) {
    const [person, victim] = await Promise.all([
      stage.enter('Grace', 'user_action'),
      stage.enter('worker 1', 'instantiation'),
    ])
    const { prefix, task } = await start(stage, person, victim, false)
    await person.do('stepReaches', { task, step: 'write-texts', done: 1 })
    await victim.kill()
    stage.remark('Worker 1 was killed half-way (SIGKILL). Its lease ends in a few seconds. Open Tasks to look on.')
    const heir = await stage.enter('worker 2', 'instantiation')
    heir.do('serveTemplate', { name: 'worker 2' }).catch(() => undefined)
    await person.do('approve', { task })
    const { state, attempts } = await person.do('taskEnds', { task })
    const { notes, minutes, library } = templateBlocks({ prefix })
    const texts = await person.do('textsOf', { blocks: [notes, minutes, library] })
    stage.find(state === 'done', 'Worker 2 went on where worker 1 had died, and the task is done.')
    const isWhole =
      texts[notes] === templateText('notes') &&
      texts[minutes] === templateText('minutes') &&
      texts[library] === templateText('library')
    stage.find(isWhole, 'All three blocks are there, each with its text once.')
    stage.find(attempts['create-blocks'] === 1, 'The step that was finished before the kill ran once.')
  },
}

/** Provokes the failure "a clean-up that deletes what somebody has written". */
export const templateTakenBack: Scenario = {
  title: 'A template fails while somebody types in it',
  danger: 'The clean-up deletes all that the template made, and with it the sentence that somebody had typed there.',
  takesBlock: false,
  async play(stage) {
    const [person, worker, ada] = await Promise.all([
      stage.enter('Grace', 'user_action'),
      stage.enter('worker', 'instantiation'),
      stage.enter('Ada', 'user_action'),
    ])
    const { prefix, task } = await start(stage, person, worker, true)
    const { notes, minutes, library } = templateBlocks({ prefix })
    await person.do('stepReaches', { task, step: 'write-texts', done: 3 })
    await ada.do('typeIn', { block: minutes, text: SENTENCE })
    stage.remark(
      'Ada has typed a sentence into “Minutes”. Now the template turns out to be one that can’t be finished.',
    )
    await person.do('approve', { task })
    const { state, kept } = await person.do('taskEnds', { task })
    const texts = await person.do('textsOf', { blocks: [notes, minutes, library] })
    stage.find(texts[notes] === null && texts[library] === null, 'The blocks that nobody else had touched are gone.')
    stage.find(
      texts[minutes]?.endsWith(SENTENCE) === true,
      'Ada’s sentence is there, in the block that the template had made.',
    )
    const isSaid = state === 'compensated_partly' && kept.some(({ block, by }) => block === minutes && by === 'Ada')
    stage.find(isSaid, 'The task says that this block was kept, and because of whom.')
  },
}

async function start(
  stage: Stage,
  person: Awaited<ReturnType<Stage['enter']>>,
  worker: Awaited<ReturnType<Stage['enter']>>,
  fails: boolean,
): Promise<{ readonly prefix: string; readonly task: string }> {
  const prefix = randomUUID()
  // The step ends with its process only.
  worker.do('serveTemplate', { name: worker.settings.actor }).catch(() => undefined)
  await worker.reached('serving')
  const task = await person.do('startTemplate', { prefix, fails })
  await person.do('stepReaches', { task, step: 'create-blocks', done: 1 })
  await stage.block(async () => templateBlocks({ prefix }).notes)
  return { prefix, task }
}
