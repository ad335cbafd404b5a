import { join } from 'node:path'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CommandProcess } from './testing/command-process.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

interface Seen {
  readonly demonstration: {
    readonly state: 'running' | 'finished' | 'stopped' | 'failed'
    readonly reason?: string
    readonly block?: string
    readonly writers: readonly { pid: number; actor: string; state: string }[]
    readonly findings: readonly { holds: boolean; text: string }[]
  } | null
}

class Demo {
  readonly server: CommandProcess
  readonly url: string
  constructor(server: CommandProcess, url: string) {
    this.server = server
    this.url = url
  }

  /** A server with a data directory of its own. */
  static async serve(env: Record<string, string> = {}): Promise<Demo> {
    const directory = await temporaryDirectory()
    const args = ['serve', '--port', '0', '--data', join(directory, 'data'), '--log-level', 'warn']
    // The vectors are removed at the test's end, too.
    const server = new CommandProcess(args, { env: { TMPDIR: directory, ...env } })
    return new Demo(server, await server.listening())
  }

  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const json = { 'content-type': 'application/json', ...headers }
    return fetch(`${this.url}/demo/${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) })
  }

  async start(scenario: string, more: object = {}): Promise<void> {
    const response = await this.post('start', { workspace: 'w', scenario, pace: 0.02, ...more })
    expect([response.status, await response.clone().text()]).toEqual([202, expect.any(String)])
  }

  async status(workspace = 'w'): Promise<NonNullable<Seen['demonstration']>> {
    const response = await fetch(`${this.url}/demo/status?workspace=${workspace}`)
    const { demonstration } = (await response.json()) as Seen
    if (demonstration === null) throw new Error('nothing was ever demonstrated there')
    return demonstration
  }

  /** Plays a scenario to its end, and returns its last status. */
  async play(scenario: string, more: object = {}) {
    await this.start(scenario, more)
    await expect.poll(async () => (await this.status()).state).not.toBe('running')
    const { state, reason, findings, block } = await this.status()
    expect([state, reason]).toEqual(['finished', undefined])
    expect(findings.filter(({ holds }) => !holds)).toEqual([])
    return { findings: findings.map(({ text }) => text), block: block ?? '' }
  }

  async search(block: string, index: string, q: string): Promise<string[]> {
    const query = new URLSearchParams({ workspace: 'w', block, index, q })
    const { matches } = (await (await fetch(`${this.url}/demo/search?${query}`)).json()) as {
      matches: { text: string }[]
    }
    return matches.map(({ text }) => text)
  }

  async join(): Promise<Workspace> {
    const person = connectWorkspace({ url: this.url, workspace: 'w', actor: 'ada', source: 'user_action' })
    onTestFinished(() => person.close())
    await person.whenSynced
    return person
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const allGone = (pids: readonly number[]) => expect.poll(() => pids.filter(isAlive)).toEqual([])

describe('the demonstration', () => {
  it('[D1] is not there when keys are configured', async () => {
    const demo = await Demo.serve({ JOINERY_JWT_SECRET: 'a secret of at least thirty-two bytes' })
    expect((await fetch(`${demo.url}/demo/status?workspace=w`)).status).toBe(204)
    expect((await demo.post('start', { workspace: 'w', scenario: 'two_jobs' })).status).toBe(404)
  })

  it('[D2] starts nothing for another page, a foreign name of this machine, a form or nonsense', async () => {
    const demo = await Demo.serve()
    const good = { workspace: 'w', scenario: 'two_jobs' }
    const answers = await Promise.all([
      demo.post('start', good, { origin: 'http://evil.example' }),
      demo.post('start', good, { 'sec-fetch-site': 'cross-site' }),
      demo.post('start', good, { 'content-type': 'text/plain' }),
      demo.post('start', { ...good, workspace: '../w' }),
      demo.post('start', { ...good, scenario: 'constructor' }),
      demo.post('start', { ...good, block: 'a/b' }),
      demo.post('start', { ...good, pace: -1 }),
      demo.post('start', { ...good, pad: 'x'.repeat(5_000) }),
      fetch(`${demo.url}/demo/start`),
      fetch(`${demo.url}/demo/constructor`),
    ])
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 415, 400, 400, 400, 400, 413, 405, 404])
    await expect(demo.status()).rejects.toThrow('nothing was ever')
  })

  it('[D3, D4] runs once per workspace, and its processes are gone when it is stopped', async () => {
    const demo = await Demo.serve()
    await demo.start('workday', { pace: 2 })
    expect((await demo.post('start', { workspace: 'w', scenario: 'two_jobs' })).status).toBe(409)
    for (const workspace of ['w2', 'w3']) await demo.start('workday', { workspace, pace: 2 })
    expect((await demo.post('start', { workspace: 'w4', scenario: 'two_jobs' })).status).toBe(503)
    await expect.poll(async () => (await demo.status()).writers.length).toBeGreaterThan(0)
    const pids = (await demo.status()).writers.map(({ pid }) => pid)
    expect((await demo.post('stop', { workspace: 'w' })).status).toBe(200)
    expect((await demo.status()).state).toBe('stopped')
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('[D4] its processes are gone when the server closes, and when it is killed', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const demo = await Demo.serve()
      await demo.start('workday', { pace: 2 })
      await expect.poll(async () => (await demo.status()).writers.some(({ state }) => state === 'working')).toBe(true)
      const pids = (await demo.status()).writers.map(({ pid }) => pid)
      demo.server.child.kill(signal)
      expect(await demo.server.ended).toBe(signal === 'SIGTERM' ? 0 : signal)
      await allGone(pids)
    }
  })

  it('[D9] a workflow that rewrites an old text keeps what a person typed since', async () => {
    const demo = await Demo.serve()
    const person = await demo.join()
    const block = person.blocks.create('note', { type: 'text' })
    block.content.insert(0, 'measure twice. cut once.')
    await person.whenDurable()
    await demo.start('rewrite', { block: 'note', pace: 0.3 })
    let typed = 0
    while ((await demo.status()).state === 'running') {
      block.content.insert(7, 'z')
      typed += 1
      await person.whenDurable()
    }
    const { findings, state } = await demo.status()
    expect([state, findings.map(({ holds }) => holds)]).toEqual(['finished', [true]])
    await expect.poll(() => block.text.replace(/z/g, '')).toBe('Measure twice.\nCut once.\n(Tidied by the workflow.)')
    expect(block.text.match(/z/g)).toHaveLength(typed)
  })

  it('[D10, D11, D12] a late poller, two jobs at once and a killed job break nothing', async () => {
    const demo = await Demo.serve()
    const late = await demo.play('late_poller')
    expect(late.findings[0]).toContain('run 1 processing, run 1 done.')
    const { block } = await demo.play('two_jobs')
    const person = await demo.join()
    const names = person.blocks
      .get(block)
      ?.indexingList.entries()
      .map(({ index_name }) => index_name)
    expect(names).toEqual(['by person', 'by topic'])
    const killed = await demo.play('killed_job', { block })
    expect(killed.findings.join()).toContain('without a gap')
    expect(await demo.search(block, 'main', 'violins repaired with warm water')).toEqual([
      expect.stringContaining('violins are repaired'),
    ])
  })

  it('[D13] a day’s work ends with every index done and searchable, the one that failed included', async () => {
    const demo = await Demo.serve()
    const { findings } = await demo.play('workday')
    expect(findings.join()).toMatch(/run 2 failed, run 3 processing, run 3 done/)
    const person = await demo.join()
    const blocks = person.blocks.list()
    expect(blocks.flatMap(({ indexingList }) => indexingList.entries().map(({ status }) => status))).toEqual([
      'done',
      'done',
      'done',
    ])
    const library = blocks.find(({ type }) => type === 'vector_collection')?.id ?? ''
    expect((await demo.search(library, 'main', 'who sharpens the plane irons'))[0]).toContain('Grace sharpens')
  })

  it('[D14] an index that a person has started is built when asked for what is waiting', async () => {
    const demo = await Demo.serve()
    const person = await demo.join()
    const { content, indexingList } = person.blocks.create('note', { type: 'text' })
    content.insert(0, 'Ash for the legs.')
    const run = indexingList.startRun('main', { source: 'user_action', actor: 'ada' })
    await person.whenDurable()
    await demo.play('index_waiting')
    await expect.poll(() => indexingList.get('main')).toMatchObject({ status: 'done', run, actor: 'indexer' })
    expect(await demo.search('note', 'main', 'legs of ash')).toEqual(['Ash for the legs.'])
  })
})
