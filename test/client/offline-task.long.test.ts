import { join } from 'node:path'
import { connectWorkspace, tasksOf } from '@joinery/client'
import { expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { PlanWorker } from './offline-task.ts'

it('[C131] a task that is asked for while the server is away shows at once, and is started once when the server is back', async () => {
  await using directory = await tempDirectory()
  const options = { directory: join(directory.path, 'data') }
  const first = await startJoinery(options)
  const { port, url } = first
  await using plan = await PlanWorker.start(url)
  const workspace = connectWorkspace({ url, workspace: 'w', actor: 'ada' })
  const other = connectWorkspace({ url, workspace: 'w', actor: 'grace' })
  const shown = () => workspace.blocks.get('b')?.statuses('task@1').get('plan')
  try {
    await workspace.whenSynced
    workspace.blocks.create('b', { type: 'text' })
    await expect.poll(() => other.blocks.get('b')?.type).toBe('text')
    await first.child.end('SIGKILL')
    await expect.poll(() => workspace.saveStatus.get().state).toBe('offline')
    // Two people ask for the same, and nobody knows of the other.
    const subject = { block: 'b', name: 'plan' }
    tasksOf(workspace).request('plan', { from: 'ada' }, subject)
    tasksOf(other).request('plan', { from: 'grace' }, subject)
    expect(shown()).toMatchObject({ status: 'queued', run: { no: 1 } })
    expect(() => tasksOf(workspace).request('plan', null, { block: 'none', name: 'plan' })).toThrow('no block')

    await using again = await startJoinery({ ...options, port })
    await expect.poll(shown).toMatchObject({ status: 'running', stalled: { why: expect.stringContaining('go') } })
    // A person who comes back only after the end of that task asks for another one.
    await expect.poll(() => other.saveStatus.get().state).toBe('saved')
    const [task] = await plan.finish()
    expect(plan.calls).toBe(1)
    for (const each of [workspace, other]) {
      await expect
        .poll(() => each.blocks.get('b')?.statuses('task@1').get('plan'))
        .toMatchObject({ status: 'done', task: task?.id })
    }
    expect(again.port).toBe(port)
  } finally {
    await workspace.close()
    await other.close()
  }
})
