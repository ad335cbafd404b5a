import { ClassicLevel } from 'classic-level'
import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { isEnded, SagaScene } from './saga-scene.ts'

const at = (workspace: string): string => `/v1/workspaces/${workspace}`
const SAGA = { name: 'hand', version: 1, digest: 'd', steps: [{ name: 'first', kind: 'step' }] }
const WORK = { worker: 'w1', serves: [SAGA], max: 9, waitMs: 0 }

/** Flips a bit of each record whose bytes hold one of these words. */
async function damage(directory: string, words: readonly string[]): Promise<number> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  let flipped = 0
  for await (const [key, value] of level.iterator()) {
    const word = words.find((one) => Buffer.from(value).includes(one))
    if (word === undefined) continue
    const bytes = Uint8Array.from(value)
    const place = Buffer.from(value).indexOf(word)
    bytes[place] = (bytes[place] as number) ^ 1
    await level.put(key, bytes)
    flipped++
  }
  await level.close()
  return flipped
}

it('[T130] damaged journals of tasks hold up their own tasks alone, are named, and are repaired beside the server', async () => {
  await using scene = await SagaScene.start()
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await scene.call(method, path, body)
    expect(answer.status, JSON.stringify(answer.json)).toBeLessThan(300)
    return answer.json
  }
  const start = (workspace: string, word: string) =>
    call('POST', `${at(workspace)}/tasks`, { saga: 'hand', input: { word } })
  const lease = async (): Promise<{ token: string; workspace: string; input: { word: string } }[]> =>
    (await call('POST', '/v1/work/leases', WORK)).leases
  await call('POST', '/v1/work/leases', { ...WORK, max: 1 })
  await start('broken', 'kept')
  await start('broken', 'spoilt')
  await start('whole', 'other')
  await call('PUT', `${at('broken')}/blocks/note`, { type: 'text', content: 'Measure twice.' })
  await scene.server.child.end('SIGTERM')
  // The start of the second task, and the announcement of the saga in the server's own journal.
  expect(await damage(scene.data, ['"spoilt"', '{"type":"announced"'])).toBe(2)
  await scene.startServer()

  expect(await call('GET', '/readyz')).toMatchObject({ status: 'ready', tasks: { unreadable: 2 } })
  expect(await (await fetch(`http://127.0.0.1:${scene.server.port}/metrics`)).text()).toContain(
    'joinery_task_journals_damaged 2',
  )
  // The document of the workspace is served as ever, and its tasks say why they wait.
  expect((await call('GET', `${at('broken')}/blocks/note`)).content).toBe('Measure twice.')
  const refused = await scene.call('GET', `${at('broken')}/tasks`)
  expect([refused.status, refused.json.error.message]).toEqual([
    503,
    expect.stringContaining("joinery repair '!work/broken'"),
  ])
  const [work] = await lease()
  expect(work).toMatchObject({ workspace: 'whole', input: { word: 'other' } })
  await scene.call('POST', `/v1/work/leases/${work?.token}/done`, { result: 1 })
  expect((await start('new', 'new')).task).toMatchObject({ state: 'queued' })
  const tasks = (...args: string[]) => joinery('tasks', ...args, '--data', scene.data)
  expect(await tasks('list', 'whole')).toMatchObject({
    exit: { code: 0 },
    output: expect.stringMatching(/ done .*!work: .*damaged.*!work\/broken: .*damaged/s),
  })
  expect(await tasks('list', 'broken')).toMatchObject({ exit: { code: 1 }, output: expect.stringContaining('repair') })

  for (const log of ['!work', '!work/broken']) {
    const survey = await joinery('repair', log, '--data', scene.data)
    expect(survey.output).toContain('would drop')
    const repaired = await joinery('repair', log, '--yes', '--data', scene.data)
    expect(repaired.exit.code, repaired.output).toBe(0)
  }
  expect(await call('GET', '/readyz')).toMatchObject({ tasks: { unreadable: 0 } })
  const { tasks: left } = await call('GET', `${at('broken')}/tasks`)
  expect(left).toMatchObject([{ waiting: { code: 'paused' } }])
  expect((await tasks('resume', 'broken')).output).toContain('1 task of broken resumed')
  // Without a server in between, and with one: everything that was not damaged goes on.
  await scene.killServer()
  const given = await lease()
  expect(given.map(({ workspace, input }) => [workspace, input.word]).toSorted()).toEqual([
    ['broken', 'kept'],
    ['new', 'new'],
  ])
  for (const { token } of given) await scene.call('POST', `/v1/work/leases/${token}/done`, { result: 1 })
  for (const workspace of ['broken', 'new', 'whole']) {
    const { tasks: all } = await call('GET', `${at(workspace)}/tasks`)
    expect(all.every(isEnded)).toBe(true)
    expect(all).toHaveLength(1)
  }
  await scene.server.child.end('SIGTERM')
  const verified = await joinery('verify', '--data', scene.data)
  expect(verified.exit.code, verified.output).toBe(0)
})
