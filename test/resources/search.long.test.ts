import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, type TestContext } from 'vitest'
import { assertInstalled, MODEL, MODEL_FOLDER } from '../../apps/server/src/embed/model-packages.mts'
import { HttpCaller } from '../api/http-caller.ts'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { joinery as joineryCommand } from '../support/command.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { skipForWant } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { EmbeddingServer } from './embedding-server.ts'

const README = await readFile(new URL('../../packages/resources/README.md', import.meta.url), 'utf8')
const SECTION =
  /\n## Search by meaning\n([\s\S]*?)\n## /.exec(README)?.[1] ?? expect.fail('README.md has no such section')
const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))
const HOME = '/v1/workspaces/demo'
const STATUS = `${HOME}/blocks/trip/statuses/embedding@1/main`

/** The address in a line of a child that is ready. */
const addressIn = (child: Child): string => /http:\/\/[\d.:]+/.exec(child.stdout())?.[0] ?? expect.fail('no address')

function needModel(context: TestContext): void {
  try {
    assertInstalled(MODEL_FOLDER)
  } catch (error) {
    skipForWant(context, 'the model of joinery embed', error)
  }
}

const startEmbed = (): Promise<Child> =>
  startReadyChild({ args: [MAIN, 'embed', '--port', '0'] }, /embedding on .*:\d+/)

/** Starts a server whose resources are `config`, and makes a caller of it. */
async function serve(directory: string, config: string, env: Readonly<Record<string, string>> = {}) {
  const resources = join(directory, 'resources.json')
  await writeFile(resources, config)
  const settings = { JOINERY_RESOURCES: resources, JOINERY_LIMITS: 'tasks.leaseMs=1500', ...env }
  return await startJoinery({ directory: join(directory, 'data'), env: settings })
}

it('[RE4, RE6] a run makes the vectors of what has none, goes on after a kill, and an edit costs its own passages', async () => {
  await using directory = await tempDirectory()
  await using service = await EmbeddingServer.start()
  const adapter = { kind: 'embeddings', base: service.base, model: 'm', secret: 'embeddings', itemsMax: 2 }
  const config = JSON.stringify({ adapters: { 'embedding@1': adapter } })
  const env = { JOINERY_SECRET_EMBEDDINGS: 'key-of-the-service' }
  let calls = 0
  // The second batch gets no answer at all.
  service.onRequest = () => ++calls === 2
  const text = (last: string): string => ['Oak moves.', 'Ash bends.', 'Glue sets.', 'Saws cut.', last].join('\n')
  const first = await serve(directory.path, config, env)
  using before = new HttpCaller(`http://127.0.0.1:${first.port}`)
  await before.call('PUT', `${HOME}/blocks/trip`, { type: 'text', content: text('Paint dries.') })
  await before.call('POST', `${STATUS}/runs`, {})
  await expect.poll(() => calls).toBe(2)
  await first.child.end('SIGKILL')
  await using server = await startJoinery({
    directory: join(directory.path, 'data'),
    env: { JOINERY_RESOURCES: join(directory.path, 'resources.json'), JOINERY_LIMITS: 'tasks.leaseMs=1500', ...env },
  })
  using caller = new HttpCaller(`http://127.0.0.1:${server.port}`)
  const entry = async () => (await caller.call('GET', STATUS)).json.entry
  await expect.poll(entry, { message: 'the run is synced' }).toMatchObject({
    status: 'synced',
    ...{ progress: 5, total: 5, detail: { model: 'm', passages: 5, embedded: 3 } },
  })
  // Each text was answered once, though the attempt that had the first two had no end.
  expect(service.texts.toSorted()).toEqual(text('Paint dries.').split('\n').toSorted())
  expect(new Set(service.bearers)).toEqual(new Set(['Bearer key-of-the-service']))
  service.batches.length = 0
  await caller.call('PUT', `${HOME}/blocks/trip`, { type: 'text', content: text('Wax shines.') })
  await caller.call('POST', `${STATUS}/runs`, {})
  await expect.poll(entry, { message: 'the second run is synced' }).toMatchObject({
    ...{ status: 'synced', run: { no: 2 }, detail: { passages: 5, embedded: 1 } },
  })
  expect(service.texts).toEqual(['Wax shines.'])
  await caller.call('PUT', `${HOME}/blocks/void`, { type: 'text', content: '' })
  await caller.call('POST', `${HOME}/blocks/void/statuses/embedding@1/main/runs`, {})
  const ofVoid = async () => (await caller.call('GET', `${HOME}/blocks/void/statuses/embedding@1/main`)).json.entry
  await expect.poll(ofVoid).toMatchObject({ status: 'failed', error: expect.stringMatching(/no text yet/) })
  // The vectors of a purged workspace go with it.
  const vectors = async (): Promise<string[]> => await readdir(join(directory.path, 'data', 'vectors'))
  expect(await vectors()).toHaveLength(1)
  for (const command of ['delete', 'purge'])
    await joineryCommand(command, 'demo', '--data', join(directory.path, 'data'))
  expect(await vectors()).toEqual([])
})

it('[A136] [RE9] the lines of README.md search by meaning with the real model, and the model ends cleanly', async (context) => {
  needModel(context)
  await using directory = await tempDirectory()
  const embed = await startEmbed()
  const address = addressIn(embed)
  const config = /```json\n([\s\S]*?)```/.exec(SECTION)?.[1] ?? expect.fail('no configuration')
  expect(config).toContain(MODEL)
  await using server = await serve(directory.path, config.replace('http://127.0.0.1:1235', address))
  using caller = new HttpCaller(`http://127.0.0.1:${server.port}`)
  const put = (id: string, content: string) => caller.call('PUT', `${HOME}/blocks/${id}`, { type: 'text', content })
  await put('pump', 'The pump has to be cleaned every week.')
  await put('menu', 'Tonight there is soup with fresh bread.')
  await put('trip', 'Our budget for the holiday is limited to 2,000 euros.')
  const lines = [...SECTION.matchAll(/^curl [\s\S]*?[^\\]$/gm)].map(([line]) => line)
  expect(lines).toHaveLength(2)
  const run = async (line = '') => {
    const asked = line.replace('localhost:1234', `127.0.0.1:${server.port}`)
    const { stdout } = await promisify(execFile)('bash', ['-c', `${asked} --silent --noproxy '*'`])
    return JSON.parse(stdout)
  }
  const found = await run(lines[0])
  expect(found).toMatchObject({ by: 'meaning', model: MODEL, passages: 3, pending: 0 })
  expect(found.matches[0]).toMatchObject({ block: 'trip' })
  expect(found.matches[0].score).toBeGreaterThan(found.matches[1].score + 0.1)
  await run(lines[1])
  const entry = async () => (await caller.call('GET', STATUS)).json.entry
  await expect.poll(entry).toMatchObject({ status: 'synced', detail: { passages: 1, embedded: 0 } })
  using model = new HttpCaller(address)
  const ask = (body: object, headers = {}) => model.call('POST', '/v1/embeddings', body, headers)
  const [one, two] = (await ask({ model: MODEL, input: ['a', 'b'] })).json.data
  expect([one.index, two.index, one.embedding.length]).toEqual([0, 1, 512])
  expect((await ask({ model: MODEL, input: '' })).json.error).toMatchObject({ param: 'input', code: 'invalid_request' })
  expect((await ask({ model: MODEL, input: 'x'.repeat(2 ** 20) })).status).toBe(413)
  const { text: metrics } = await model.call('GET', '/metrics')
  expect(metrics).toMatch(/joinery_embed_requests_total\{status="200"\} [3-9]/)
  expect((await model.call('GET', '/readyz')).json).toEqual({ status: 'ready', model: MODEL })
  expect(await embed.end('SIGTERM')).toEqual({ code: 0, signal: null })
  // The service is gone: a new question is answered by letters, and says why.
  const away = await caller.call('GET', `${HOME}/search?q=holidays`)
  expect(away.json).toMatchObject({ by: 'letters', problem: expect.stringMatching(/could not be called/) })
  expect(away.json.matches[0]).toMatchObject({ block: 'trip' })
})
