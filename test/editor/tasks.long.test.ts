import { connectWorkspace, tasksOf } from '@joinery/client'
import { defineSaga, StepError, startWorker, step, waitFor } from '@joinery/worker'
import { expect, it } from 'vitest'
import { TWO_LOOKS, violationsIn } from './axe.ts'
import { openPages } from './open-pages.ts'

const pages = openPages()

const shaky = defineSaga({
  name: 'shaky-plan',
  version: 1,
  steps: [
    step('make-two', {
      run: ({ edit }) =>
        edit((d) => [
          d.put('first', { type: 'text', fields: { title: 'First' } }),
          d.put('second', { type: 'text', fields: { title: 'Second' } }),
        ]),
      compensate: ({ removeIfUntouched }) => removeIfUntouched(['first', 'second']),
    }),
    waitFor('approval'),
    step('check', {
      run: () => {
        throw new StepError('permanent', 'the plan does not hold')
      },
    }),
  ],
})

it.skipIf(!pages.isThere)(
  '[E11, E42] the page shows a task, its steps, the cause for which it waits, and what was kept',
  async () => {
    const job = connectWorkspace({ url: pages.url, workspace: 'tasks', actor: 'engine', source: 'workflow_execution' })
    const worker = startWorker({ url: pages.httpUrl, sagas: [shaky], name: 'worker 7' })
    try {
      const ann = await pages.visit('tasks')
      await ann.getByRole('button', { name: 'Tasks', exact: true }).click()
      const panel = ann.getByRole('complementary', { name: 'Tasks' })
      await panel.getByText('No task has run in this workspace.').waitFor()
      const tasks = tasksOf(job)
      await expect
        .poll(() => tasks.start('shaky-plan', null, { key: 'one' }).catch((error: Error) => error.message))
        .toMatchObject({ saga: 'shaky-plan' })
      const { id } = await tasks.start('shaky-plan', null, { key: 'one' })
      const task = panel.locator(`[data-task="${id}"]`)
      await task.getByText('Waits for the signal approval.').waitFor()
      await task.locator('[data-step="make-two"].done').waitFor()
      await ann.getByRole('textbox', { name: 'Content of First' }).pressSequentially('mine')
      await expect.poll(() => job.blocks.get('first')?.text).toBe('mine')
      await tasks.signal(id, 'approval', null)
      await task.getByText('Taken back in part').waitFor()
      await task.getByText('has written in').waitFor()
      await task.getByRole('button', { name: 'First' }).waitFor()
      await ann.getByRole('textbox', { name: 'Content of First' }).waitFor()
      await expect.poll(() => ann.getByRole('textbox', { name: 'Content of Second' }).count()).toBe(0)
      await task.getByText('the plan does not hold').first().waitFor()
      expect(await violationsIn(ann, TWO_LOOKS, 'aside')).toEqual([])
      await panel.getByRole('button', { name: 'Close' }).click()
      await expect.poll(() => panel.count()).toBe(0)
    } finally {
      await worker.stop()
      await job.close()
    }
  },
)
