import { join } from 'node:path'
import { connectWorkspace, tasksOf } from '@joinery/client'
import { defineSaga, startWorker, step, waitFor } from '@joinery/worker'
import { expect, it } from 'vitest'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const approved = defineSaga({
  name: 'approved',
  version: 1,
  steps: [
    step('make', {
      run: ({ edit }) => edit((d) => d.put('made', { type: 'text', content: 'made by a task' })),
      compensate: ({ removeIfUntouched }) => removeIfUntouched('made'),
    }),
    waitFor('approval'),
    step('count', { run: ({ results }) => ({ approvedBy: results.approval }) }),
  ],
})

it('[C125] the SDK starts, follows, signals and cancels tasks, and goes on following when the server was away', async () => {
  await using directory = await tempDirectory()
  const options = { directory: join(directory.path, 'data') }
  let server = await startJoinery(options)
  const workspace = connectWorkspace({ url: server.url, workspace: 'w', actor: 'ada' })
  const worker = startWorker({ url: server.url.replace('ws', 'http'), sagas: [approved] })
  const tasks = tasksOf(workspace)
  const shown: string[] = []
  const list = tasks.watchList({ limit: 10 })
  const stop = list.subscribe(() =>
    shown.push(
      list
        .get()
        .answer?.tasks.map(({ state }) => state)
        .join() ?? 'none',
    ),
  )
  try {
    expect(tasksOf(workspace)).toBe(tasks)
    await expect.poll(() => list.get().answer?.tasks).toEqual([])
    await expect
      .poll(() => tasks.start('approved', null, { key: 'one' }).catch((error: Error) => error.message))
      .toMatchObject({ saga: 'approved' })
    const { id } = await tasks.start('approved', null, { key: 'one' })
    const waiting = await tasks.until(id, ({ waiting: why }) => why?.code === 'signal')
    expect(waiting.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'make done',
      'approval waiting',
      'count pending',
    ])
    await expect.poll(() => workspace.blocks.get('made')?.text).toBe('made by a task')
    const { port } = server
    await server.child.end('SIGKILL')
    await expect.poll(() => list.get().error).toMatchObject({ code: 'unreachable' })
    server = await startJoinery({ ...options, port })
    await tasks.signal(id, 'approval', 'grace')
    expect(await tasks.until(id)).toMatchObject({ state: 'done', results: { count: { approvedBy: 'grace' } } })
    await expect.poll(() => list.get().answer?.tasks.map(({ state }) => state)).toEqual(['done'])
    expect(list.get().error).toBeUndefined()
    expect((await tasks.list({ states: ['done'] })).map((task) => task.id)).toEqual([id])

    workspace.blocks.get('made')?.content.insert(0, 'Ada: ')
    const second = await tasks.start('approved', null)
    await tasks.until(second.id, ({ waiting: why }) => why?.code === 'signal')
    await tasks.cancel(second.id)
    expect((await tasks.until(second.id)).state).toMatch(/^(canceled|compensated_partly)$/)
    expect(await tasks.find(id)).toMatchObject({ state: 'done' })
    await expect(tasks.find('tsk_none')).rejects.toMatchObject({ code: 'request_refused' })
    const enough = { signal: AbortSignal.abort(new Error('enough')) }
    await expect(tasks.until(second.id, () => false, enough)).rejects.toThrow('enough')
  } finally {
    stop()
    await worker.stop()
    await workspace.close()
    await server[Symbol.asyncDispose]()
  }
})
