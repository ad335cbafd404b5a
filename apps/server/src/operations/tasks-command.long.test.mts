import { expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const saga = {
  name: 'publish',
  version: 1,
  digest: 'first,second',
  steps: [
    { name: 'first', kind: 'step' },
    { name: 'second', kind: 'step', onFailure: 'wait' },
  ],
}

interface Answer {
  readonly leases?: { readonly token: string; readonly step: string }[]
  readonly task?: { readonly id: string }
}

it('[A88] operators list, show, retry, skip, cancel and terminate tasks, with a server and without', async () => {
  const data = await temporaryDirectory()
  const tasks = (...args: string[]) => runCommand(['tasks', ...args, '--data', data])
  const json = async (...args: string[]) => JSON.parse((await tasks(...args, '--json')).stdout)
  const server = new CommandProcess(['serve', '--port', '0', '--data', data])
  const url = await server.listening()
  const post = async (path: string, body: object): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return answer.status === 204 ? {} : ((await answer.json()) as Answer)
  }
  const lease = async () => {
    const asked = { worker: 'w1', serves: [saga], max: 1, waitMs: 10_000 }
    const [work] = (await post('/v1/work/leases', asked)).leases ?? []
    if (work === undefined) throw new Error('no step was given to the worker')
    return work
  }
  const tell = (token: string, what: string, body: object) => post(`/v1/work/leases/${token}/${what}`, body)
  const fail = async () => {
    const work = await lease()
    expect(work.step).toBe('second')
    await tell(work.token, 'failed', { error: 'the key is missing', class: 'permanent' })
  }
  await post('/v1/work/leases', { worker: 'w1', serves: [saga], max: 1, waitMs: 0 })
  const start = async () => {
    const { task } = await post('/v1/workspaces/demo/tasks', { saga: 'publish', input: { secret: 'of the input' } })
    return String(task?.id)
  }
  const id = await start()
  await tell((await lease()).token, 'done', { result: 1 })
  await fail()

  const listed = await tasks('list', 'demo')
  expect(listed.stdout).toMatch(/^task .*\n.* publish@1 +waiting +second +anonymous .*the key is missing/)
  const { tasks: rows } = await json('list', 'demo', '--state', 'waiting,done', '--saga', 'publish')
  expect(rows).toMatchObject([{ id, state: 'waiting' }])
  expect(rows[0]).not.toHaveProperty('input')
  expect(await json('list', 'demo', '--state', 'done')).toMatchObject({ tasks: [] })
  expect((await tasks('show', 'demo', id)).stdout).toMatch(/second +step +failed +1 .*the key is missing/)
  expect((await json('show', 'demo', id)).task).toMatchObject({ id, waiting: { code: 'operator' } })

  expect(await tasks('retry', 'demo', id)).toMatchObject({ code: 0, stdout: expect.stringContaining('goes on') })
  await fail()
  expect((await json('skip', 'demo', id, 'second', '--result', '{"by":"hand"}')).task).toMatchObject({
    state: 'done',
    results: { first: 1, second: { by: 'hand' } },
  })
  const other = await start()
  expect((await json('cancel', 'demo', other)).task.state).toBe('canceled')
  const third = await start()
  const last = await start()
  await tell((await lease()).token, 'done', { result: 1 })

  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect((await json('list', 'demo')).tasks).toHaveLength(4)
  expect((await json('terminate', 'demo', last)).task).toMatchObject({
    state: 'canceled',
    error: { class: 'permanent' },
  })
  expect((await json('cancel', 'demo', third)).task.state).toBe('canceled')
  expect((await json('show', 'demo', last)).task.state).toBe('canceled')
  expect((await tasks('resume', 'demo')).stdout).toBe('0 tasks of demo resumed\n')
  for (const [args, why] of [
    [['cancel', 'demo', last], 'the task has ended'],
    [['retry', 'demo', other], 'can’t be retried'],
    [['skip', 'demo', id, 'third'], 'its steps are first, second'],
    [['show', 'demo', 'garbage'], 'there is no task garbage'],
    [['list', 'nowhere'], 'there is no workspace nowhere'],
    [['resume', '!work/demo'], 'there is no workspace !work/demo'],
  ] as const) {
    const refused = await tasks(...args)
    expect([refused.code, refused.stderr.trim().split('\n')], refused.stderr).toEqual([
      1,
      [expect.stringContaining(why)],
    ])
  }
  expect((await tasks('show', 'demo')).code).toBe(2)
  expect((await tasks('skip', 'demo', id, 'second', '--result', '{')).code).toBe(2)
})
