import { join } from 'node:path'
import { connectWorkspace } from '@joinery/client'
import { expect, it } from 'vitest'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'

const CUTS = runSize('JOINERY_DEMONSTRATION_CUTS', { everyday: 1, nightly: 40 })

const ask = async <T>(server: JoineryProcess, path: string, body?: object): Promise<T> => {
  const json = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers: json, body: JSON.stringify(body) }
  const response = await fetch(`${server.url.replace('ws', 'http')}${path}`, init)
  expect(response.ok, `${path}: ${response.status}`).toBe(true)
  return (await response.json()) as T
}

const headOf = async (server: JoineryProcess): Promise<number> => {
  return (await ask<{ lsn: number }>(server, '/v1/workspaces/w')).lsn
}

interface RecordsPage {
  readonly records: readonly { lsn: number }[]
  readonly next: number | null
}

/** Fails unless the shown blocks are those of the log's head, and no record's number is missing. Returns the blocks as text. */
async function checkIntact(server: JoineryProcess): Promise<string> {
  const now = await ask<{ lsn: number; blocks: unknown[] }>(server, '/v1/workspaces/w/blocks')
  const then = await ask<{ blocks: unknown[] }>(server, `/v1/workspaces/w/blocks?at=${now.lsn}`)
  expect(then.blocks).toEqual(now.blocks)
  const lsns: number[] = []
  for (let after: number | null = 0; after !== null; ) {
    const page: RecordsPage = await ask(server, `/v1/workspaces/w/history?limit=1000&after=${after}`)
    lsns.push(...page.records.map(({ lsn }) => lsn))
    after = page.next
  }
  expect(lsns).toEqual(Array.from(lsns, (_, at) => at + 1))
  return JSON.stringify(now.blocks)
}

it('[D16] a workspace loads whole when the server was killed at any moment of a demonstration', async () => {
  await using directory = await tempDirectory()
  const options = { directory: join(directory.path, 'data'), env: { TMPDIR: directory.path } }
  const seed = runSeed()
  console.log(`seed ${seed}`)
  const random = seededRandom(seed)
  let said = ''
  for (let cut = 0; cut < CUTS; cut++) {
    await using server = await startJoinery(options)
    const person = connectWorkspace({ url: server.url, workspace: 'w', actor: 'ada', source: 'user_action' })
    await person.whenSynced
    const { content } = person.blocks.create('note', { type: 'text' })
    content.insert(content.length, `sentence ${cut}. `)
    await person.whenDurable()
    said += `sentence ${cut}. `
    await ask(server, '/demo/start', { workspace: 'w', scenario: 'workday', pace: 0.02 })
    // A place in the log rather than a time: any moment comes up, on any machine.
    const end = (await headOf(server)) + 1 + randomBelow(random, 22)
    const isOver = async (): Promise<boolean> => {
      const { demonstration } = await ask<{ demonstration: { state: string } }>(server, '/demo/status?workspace=w')
      return demonstration.state !== 'running' || (await headOf(server)) >= end
    }
    await expect.poll(isOver, { interval: 5 }).toBe(true)
    await server.child.end('SIGKILL')
    await person.close()
    await using again = await startJoinery(options)
    expect(await checkIntact(again)).toContain(said)
  }
  await using server = await startJoinery(options)
  await ask(server, '/demo/start', { workspace: 'w', scenario: 'two_jobs', block: 'note', pace: 0.02 })
  const state = async () =>
    (await ask<{ demonstration: { state: string } }>(server, '/demo/status?workspace=w')).demonstration.state
  await expect.poll(state).toBe('finished')
  await checkIntact(server)
})
