import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { HttpCaller } from '../api/http-caller.ts'
import { startChild } from '../support/child-process.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { needCommand } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const HOME = '/v1/workspaces/demo'

/** Starts a task once a worker serves its saga, and waits for its end. */
async function runTask(caller: HttpCaller, saga: string, input: object, { isAnnounced = false } = {}) {
  let path = ''
  const start = async (): Promise<number> => {
    const { status, headers } = await caller.call('POST', `${HOME}/tasks`, { saga, input })
    path = String(headers.location)
    return status
  }
  if (isAnnounced) expect(await start()).toBe(202)
  else await expect.poll(start).toBe(202)
  await expect.poll(async () => (await caller.call('GET', path)).json.task.endedAt).toBeTypeOf('number')
  return (await caller.call('GET', path)).json.task
}

it('[A86] the example of the worker’s README runs in the server’s own worker, which is started again when it is killed', async () => {
  const readme = await readFile(at('packages/worker/README.md'), 'utf8')
  const code = /```ts\n(import .*?)\n```/s.exec(readme)?.[1] ?? expect.fail('the README has no example')
  await using directory = await tempDirectory()
  const file = join(directory.path, 'sagas.ts')
  await writeFile(file, code)
  const env = { JOINERY_WORK: file, JOINERY_LOG_LEVEL: 'info' }
  await using server = await startJoinery({ directory: join(directory.path, 'data'), env })
  using caller = new HttpCaller(`http://127.0.0.1:${server.port}`)
  const input = { prefix: 'june', files: ['a.pdf', 'b.pdf'] }
  // The worker has not called yet.
  const task = await runTask(caller, 'instantiate-template', input, { isAnnounced: true })
  expect(task).toMatchObject({ state: 'done', results: { 'upload-files': [{ path: 'a.pdf' }, { path: 'b.pdf' }] } })
  expect((await caller.call('GET', `${HOME}/blocks/june-board`)).json).toMatchObject({
    content: 'Board.',
    fields: { files: 2 },
  })
  const worker = Number(/"worker":(\d+),"msg":"joinery working/.exec(server.child.output())?.[1])
  process.kill(worker, 'SIGKILL')
  await expect.poll(() => server.child.output()).toContain('the worker has ended and is started again')
  expect(await runTask(caller, 'instantiate-template', { ...input, prefix: 'july' })).toMatchObject({ state: 'done' })
  expect(await server.child.end('SIGTERM')).toEqual({ code: 0, signal: null })
})

it('[A87] the Python example runs a saga with the standard library alone', async (context) => {
  await needCommand(context, 'python3')
  await using directory = await tempDirectory()
  await using server = await startJoinery({ directory: directory.path })
  const url = `http://127.0.0.1:${server.port}`
  using caller = new HttpCaller(url)
  const worker = startChild({ command: 'python3', args: [at('apps/server/examples/work_saga.py'), url] })
  try {
    const task = await runTask(caller, 'greet', { name: 'Ada King', block: 'hello' })
    expect(task).toMatchObject({ state: 'done', results: { count: { words: 2 } } })
    expect((await caller.call('GET', `${HOME}/blocks/hello`)).json.content).toBe('Hello, Ada King: 2 words.')
    expect(await runTask(caller, 'greet', { name: 7, block: 'no' })).toMatchObject({ state: 'failed' })
  } finally {
    await worker.end('SIGKILL')
  }
})
