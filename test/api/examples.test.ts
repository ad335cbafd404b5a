import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Child, startChild } from '../support/child-process.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { needCommand } from '../support/skip-for-want.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { HttpCaller } from './http-caller.ts'

const example = (name: string) => fileURLToPath(new URL(`../../apps/server/examples/${name}`, import.meta.url))
const BLOCKS = '/v1/workspaces/acme%2Fdocs/blocks'

let directory: TempDirectory
let server: JoineryProcess
let url: string
let caller: HttpCaller
beforeAll(async () => {
  directory = await tempDirectory()
  server = await startJoinery({ directory: directory.path })
  url = `http://127.0.0.1:${server.port}`
  caller = new HttpCaller(url)
})
afterAll(async () => {
  caller?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
  await directory?.[Symbol.asyncDispose]()
})

async function succeeds(child: Child): Promise<string> {
  const exit = await child.exited
  expect(exit, child.output()).toEqual({ code: 0, signal: null })
  return child.stdout()
}

it('[H23] the shell example writes a block and reports on its index with curl', async (context) => {
  await needCommand(context, 'curl')
  const text = 'Written "with\\curl".\n\t$HOME, caf\u00e9'
  const args = [example('index-block.sh'), url, 'acme%2Fdocs', 'shell', text, 'sh-1']
  const first = await succeeds(startChild({ command: 'sh', args }))
  // Its own repeat changes nothing: every answer is the first one's.
  expect(await succeeds(startChild({ command: 'sh', args }))).toBe(first)
  expect((await caller.call('GET', `${BLOCKS}/shell`)).json).toMatchObject({
    content: text,
    indexingList: [
      { index_name: 'shell', status: 'done', chunks: 2, actor: 'index-block.sh', source: 'workflow_execution' },
    ],
  })
})

it('[H23] the Python example goes on where it was when it is killed half-way, and so is the server', async (context) => {
  await needCommand(context, 'python3')
  await caller.call('PUT', `${BLOCKS}/python`, { type: 'text', content: 'for Python' })
  const args = [example('index_block.py'), url, 'acme/docs', 'python', 'run-1', '20']
  const first = startChild({ command: 'python3', args, env: { SECONDS_PER_CHUNK: '0.03' } })
  await until('it is half-way', () => first.stdout().includes('chunk 6'))
  await first.end('SIGKILL')
  const second = startChild({ command: 'python3', args, env: { SECONDS_PER_CHUNK: '0.03' } })
  await until('it goes on', () => /^from chunk \d+\nchunk \d+\n/.test(second.stdout()))
  await server.child.end('SIGKILL')
  server = await startJoinery({ directory: directory.path, port: server.port })
  const output = await succeeds(second)
  expect(Number(/^from chunk (\d+)/.exec(output)?.[1])).toBeGreaterThanOrEqual(6)
  const { json } = await caller.call('GET', `${BLOCKS}/python`)
  expect(json.indexingList).toMatchObject([
    { index_name: 'python', status: 'done', chunks: 20, run: { no: 1, id: 'run-1' } },
  ])
  expect(json.fields.summary).toEqual(['run-1: 20 chunks'])
})

it('[H23] the Node example indexes what others write over HTTP', async () => {
  await caller.call('PUT', `${BLOCKS}/before`, { type: 'text', content: 'one two three' })
  const worker = startChild({ args: [example('index-worker.mts'), url, 'acme/docs'] })
  await until('it watches', () => worker.stdout().includes('watching'))
  await caller.call('PUT', `${BLOCKS}/live`, { type: 'text', content: 'four words, no more' })
  await until('it has indexed the new block', () => worker.stdout().includes('live: done'))
  expect((await caller.call('GET', `${BLOCKS}/live`)).json.indexingList).toMatchObject([
    { index_name: 'node', status: 'done', chunks: 4 },
  ])
  expect((await caller.call('GET', `${BLOCKS}/before`)).json.indexingList).toMatchObject([
    { status: 'done', chunks: 3 },
  ])
  await worker.end('SIGTERM')
  await succeeds(worker)
})
