import { documentRules, type Source } from '@joinery/blocks'
import type { Conflict, Workspace } from '@joinery/client'
import { openMemoryStore } from '@joinery/log'
import type { ServerOptions } from '@joinery/server'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { until } from '../support/until.ts'
import { closing, connect, readText, startServer, textOf, whenState } from './fixture.ts'
import { HeldStore } from './held-store.ts'

const workflow = { source: 'workflow_execution' as Source, actor: 'engine' }
const user = { source: 'user_action' as Source, actor: 'ada' }

const start = (options: ServerOptions = {}) => startServer({ rules: documentRules, ...options })

/** A workspace that has block `b` with a text, saved. */
async function withBlock(server: { url: string }, text = 'Measure twice, cut once.'): Promise<Workspace> {
  const workspace = connect(server, { actor: 'ada' })
  await workspace.whenSynced
  textOf(workspace).insert(0, text)
  await workspace.whenDurable()
  return workspace
}

const entryOf = (workspace: Workspace) => workspace.blocks.get('b')?.indexingList.get('search')

describe('a server that takes nothing', () => {
  it('[C42] edits are held, with the reason shown, and saved by themselves when the server takes them again', async () => {
    const store = new HeldStore()
    const server = await startServer({ store, rules: documentRules })
    const ada = await withBlock(server, 'before')
    store.fail('storage_full', 'the disk is full')
    const held = await whenState(ada, 'held')
    expect(held).toMatchObject({ code: 'storage_full', reason: 'the disk is full' })
    textOf(ada).insert(0, 'held ')
    let isDurable = false
    const durable = ada.whenDurable().then(() => {
      isDurable = true
    })
    const late = connect(server)
    await Promise.all([whenState(late, 'held'), late.whenSynced])
    expect([isDurable, readText(late)]).toEqual([false, 'before'])
    store.recover()
    await durable
    await whenState(ada, 'saved')
    await until('the other has it', () => readText(late) === 'held before')
  })
})

describe('who last touched what', () => {
  it('[C44] provenance says who, from which source, when and where in the log, and follows what is new', async () => {
    const server = await start()
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    await job.whenSynced
    expect(ada.provenance.of('b/content')).toBeUndefined()
    await until('the server has answered', () => ada.provenance.of('b/content') !== undefined)
    const typed = ada.provenance.of('b/content')
    expect(typed).toMatchObject({ actor: 'ada', source: 'user_action' })
    expect(ada.provenance.of('b/content')).toBe(typed)
    job.blocks.get('b')?.indexingList.startRun('search', workflow)
    await until('the run is told', () => ada.provenance.of('b/indexingList') !== undefined)
    expect(ada.provenance.of('b/indexingList')).toMatchObject({ actor: 'engine', source: 'workflow_execution' })
    expect(ada.provenance.of('b')?.lsn).toBe(ada.provenance.of('b/indexingList')?.lsn)
    expect(ada.provenance.of('b/content')).toBe(typed)
  })

  it('[C44] provenance is asked for again when the connection was lost', async () => {
    const server = await start()
    const ada = await withBlock(server)
    ada.provenance.of('b')
    await until('the server has answered', () => ada.provenance.of('b') !== undefined)
    ada.reconnect()
    await whenState(ada, 'saved')
    const ben = connect(server, { actor: 'ben' })
    await ben.whenSynced
    textOf(ben).insert(0, 'Ben: ')
    await until('the news came', () => ada.provenance.of('b/content')?.actor === 'ben')
  })
})

describe('a fork that meets typing', () => {
  it('[C45] both texts are kept and everybody hears of it when a job rewrites what a person types in', async () => {
    const server = await start()
    const [ada, ben] = [await withBlock(server, 'the old sentence'), connect(server)]
    const job = connect(server, { ...workflow })
    await Promise.all([job.whenSynced, ben.whenSynced])
    const heard = new Map<string, Conflict[]>()
    for (const [name, workspace] of Object.entries({ ada, ben, job })) {
      heard.set(name, [])
      workspace.onConflict((conflict) => heard.get(name)?.push(conflict))
    }
    const fork = job.fork()
    textOf(ada).insert(7, ' and dear')
    await until('the job has it', () => readText(job) === 'the old and dear sentence')
    fork.blocks.get('b')?.replaceContent('the new sentence')
    fork.merge()
    await until('all are told', () => [...heard.values()].every((conflicts) => conflicts.length === 1))
    expect(heard.get('ada')?.[0]).toMatchObject({ block: 'b', field: 'content', winner: ' and dear' })
    await until('ada has it', () => readText(ada) === readText(job))
    expect(readText(ada)).toContain('and dear')
    expect(readText(ada)).toContain('new')
  })
})

describe('presence after a lost connection', () => {
  it('[C43] who comes back is seen at once', async () => {
    // y-protocols renews a state every 15 s. Here no interval ever passes: only what is announced at once is seen.
    vi.useFakeTimers({ toFake: ['setInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const store = new HeldStore()
    const server = await startServer({ store })
    const [ada, ben] = [connect(server), connect(server)]
    ada.presence.set({ name: 'Ada' })
    const seesAda = () => ben.presence.others.get().some(({ state }) => state.name === 'Ada')
    await until('ben sees ada', seesAda)
    await server.close()
    await until('ada is gone', () => !seesAda())
    await startServer({ store, port: server.port })
    await until('ben sees ada again', seesAda)
  })
})

describe('withRun', () => {
  it('[C46] the entry is done with the job’s chunks, durably, when the job ends well', async () => {
    const server = await start()
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const outcome = await job.withRun('b', 'search', async ({ content }) => content.split(' ').length, workflow)
    expect(outcome.outcome).toBe('done')
    await until('ada sees it', () => entryOf(ada)?.status === 'done')
    expect(entryOf(ada)).toMatchObject({ chunks: 4, actor: 'engine', run: { no: 1, source: 'workflow_execution' } })
  })

  it('[C46] the entry is error with the message when the job throws or is aborted', async () => {
    const server = await start()
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const failed = await job.withRun('b', 'search', () => Promise.reject(new Error('no such model')), workflow)
    expect(failed).toMatchObject({ outcome: 'error', error: new Error('no such model') })
    await until('ada sees it', () => entryOf(ada)?.error === 'no such model')
    const stop = new AbortController()
    const stopped = job.withRun(
      'b',
      'search',
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { ...workflow, signal: stop.signal },
    )
    await until('it runs', () => entryOf(ada)?.status === 'processing')
    stop.abort(new Error('told to stop'))
    expect((await stopped).outcome).toBe('error')
    await until('ada sees it', () => entryOf(ada)?.error === 'told to stop')
    await expect(job.withRun('none', 'search', async () => 1, workflow)).rejects.toMatchObject({
      code: 'block_missing',
    })
  })

  it('[C82] a job that is aborted while the server is away rejects with the reason, and its report goes up later', async () => {
    const store = closing(openMemoryStore())
    const server = await start({ store })
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const stop = new AbortController()
    const stopped = job.withRun(
      'b',
      'search',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      { ...workflow, signal: stop.signal },
    )
    await until('it runs', () => entryOf(ada)?.status === 'processing')
    await server.close()
    await whenState(job, 'offline')
    stop.abort(new Error('told to stop'))
    await expect(stopped).rejects.toThrow('told to stop')
    await start({ store, port: server.port })
    await until('ada sees it', () => entryOf(ada)?.error === 'told to stop')
  })

  it('[C47] the job is told to stop and reports nothing when a person starts a run over its own', async () => {
    const server = await start()
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    let reason: unknown
    const outcome = job.withRun(
      'b',
      'search',
      ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            reason = signal.reason
            resolve(9)
          }),
        ),
      workflow,
    )
    await until('it runs', () => entryOf(ada)?.status === 'processing')
    const mine = ada.blocks.get('b')?.indexingList.startRun('search', user)
    expect(await outcome).toMatchObject({ outcome: 'superseded', standing: { run: { id: mine?.id } } })
    expect(reason).toMatchObject({ code: 'superseded' })
    await expect(job.withRun('b', 'search', async () => 1, workflow)).rejects.toMatchObject({ code: 'run_superseded' })
    expect(entryOf(ada)).toMatchObject({ status: 'processing', run: { id: mine?.id } })
  })

  it('[C48] progress is seen while the job runs, is no ghost, and leaves only the last step', async () => {
    const server = await start()
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const seen = () => ada.presence.progress.get()['b/search']
    const outcome = await job.withRun(
      'b',
      'search',
      async ({ progress }) => {
        for (let done = 1; done <= 3; done++) {
          progress(done, 3, `chunk ${done}`)
          await until('ada sees the step', () => seen()?.done === done)
        }
        expect(ada.presence.others.get()).toEqual([])
      },
      workflow,
    )
    expect(outcome.outcome).toBe('done')
    await until('the step is gone', () => seen() === undefined)
    await until('ada sees the end', () => entryOf(ada)?.status === 'done')
    expect(entryOf(ada)?.chunks).toBe(3)
  })
})
