import { fileURLToPath } from 'node:url'
import { documentRules, type Source } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import type { DocumentRules, Identity, RuledDocument } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { startReadyChild } from '../support/child-process.ts'
import { startIdleProxy } from '../support/idle-proxy.ts'
import { until } from '../support/until.ts'
import { connect, startServer, textOf } from './fixture.ts'

const workflow = { source: 'workflow_execution' as Source, actor: 'engine' }
const BEAT_MS = 250
/** Several beats, so that a busy machine doesn't look like a silent one. */
const IDLE_MS = 8 * BEAT_MS

async function withBlock(server: { url: string }): Promise<Workspace> {
  const ada = connect(server, { actor: 'ada' })
  await ada.whenSynced
  textOf(ada).insert(0, 'text')
  await ada.whenDurable()
  return ada
}

/** Blocks' rules, which refuse what `refusalOf` refuses as well. */
function refusing(refusalOf: RuledDocument['inspect']): DocumentRules {
  return {
    open(doc, authors) {
      const ruled = documentRules.open(doc, authors)
      const inspect = ruled.inspect.bind(ruled)
      return Object.assign(ruled, {
        inspect: (...[update, writer]: Parameters<RuledDocument['inspect']>) =>
          refusalOf(update, writer) ?? inspect(update, writer),
      })
    },
  }
}

const entryOf = (workspace: Workspace) => workspace.blocks.get('b')?.indexingList.get('search')
const shownTo = (workspace: Workspace) => workspace.presence.progress.get()['b/search']

describe('a job with nothing to say', () => {
  it('[C48] it is seen from its start to its end, and is nobody among the others', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const done = Promise.withResolvers<void>()
    const outcome = job.withRun('b', 'search', () => done.promise, workflow)
    await until('ada sees that somebody is at it', () => shownTo(ada) !== undefined)
    expect(shownTo(ada)).toEqual({ run: entryOf(ada)?.run.id, done: 0 })
    expect(ada.presence.others.get()).toEqual([])
    done.resolve()
    expect((await outcome).outcome).toBe('done')
    await until('nobody is', () => shownTo(ada) === undefined)
  })

  it('[C48] nobody is seen at a run whose process was killed, and a job with its run id ends it', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = await withBlock(server)
    const script = fileURLToPath(new URL('./job-process.ts', import.meta.url))
    const child = await startReadyChild({ args: [script, server.url, 'run-1'] }, /runs/)
    await until('ada sees that somebody is at it', () => shownTo(ada)?.run === 'run-1')
    await child.end('SIGKILL')
    await until('nobody is', () => shownTo(ada) === undefined)
    expect(entryOf(ada)).toMatchObject({ status: 'processing', run: { id: 'run-1', no: 1 } })
    const job = connect(server, { ...workflow })
    const outcome = await job.withRun('b', 'search', async () => 3, { ...workflow, runId: 'run-1' })
    expect(outcome).toMatchObject({ outcome: 'done', run: { id: 'run-1', no: 1 } })
    await until('ada sees it', () => entryOf(ada)?.chunks === 3)
  })

  it('[C56] its connection outlives a proxy that cuts silent ones, since the server’s beats go through it', async () => {
    const server = await startServer({ rules: documentRules, limits: { heartbeatMs: BEAT_MS } })
    const ada = await withBlock(server)
    await using proxy = await startIdleProxy(server.port, IDLE_MS)
    const job = connect(proxy, { ...workflow })
    const outcome = await job.withRun(
      'b',
      'search',
      async () => {
        const before = proxy.chunks
        // A beat is two chunks, ping and pong: longer than the proxy bears silence.
        await until('it was silent for long', () => proxy.chunks - before > 3 * (IDLE_MS / BEAT_MS))
      },
      workflow,
    )
    expect([outcome.outcome, proxy.connections, proxy.cuts]).toEqual(['done', 1, 0])
    await until('ada sees it', () => entryOf(ada)?.status === 'done')
  })

  it('[C56] it comes back, is seen again and ends well when its connection is cut again and again', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = await withBlock(server)
    await using proxy = await startIdleProxy(server.port, 300, 3)
    const job = connect(proxy, { ...workflow })
    const outcome = await job.withRun(
      'b',
      'search',
      async ({ signal }) => {
        await until('it was cut three times', () => proxy.cuts === 3)
        await until('ada sees it again', () => shownTo(ada) !== undefined)
        expect(signal.aborted).toBe(false)
      },
      workflow,
    )
    expect(outcome.outcome).toBe('done')
    await until('ada sees it', () => entryOf(ada)?.status === 'done')
  })

  it('[C56] it goes on with a fresh token when the one it came with expires', async () => {
    const seen: (string | undefined)[] = []
    const authenticator = async ({ token, source }: { token: string | undefined; source: string | undefined }) => {
      seen.push(token)
      const identity: Identity = {
        actor: 'engine',
        source: source ?? 'workflow_execution',
        sources: undefined,
        access: 'write',
        isAuthenticated: true,
        expiresAtMs: token === 'token 3' ? undefined : Date.now() + 5 * BEAT_MS,
        allows: () => true,
      }
      return identity
    }
    const server = await startServer({ rules: documentRules, authenticator, limits: { heartbeatMs: BEAT_MS } })
    let tokens = 0
    const job = connect(server, { ...workflow, token: () => `token ${++tokens}` })
    await job.whenSynced
    textOf(job).insert(0, 'text')
    await job.whenDurable()
    const outcome = await job.withRun(
      'b',
      'search',
      () => until('the third token is in use', () => job.saveStatus.get().state === 'saved' && tokens === 3),
      workflow,
    )
    expect([outcome.outcome, seen]).toEqual(['done', ['token 1', 'token 2', 'token 3']])
  })
})

describe('a job whose workspace goes', () => {
  it('[C57] it is told to stop, and its run is not reported, when its workspace is closed', async () => {
    const server = await startServer({ rules: documentRules })
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const stopped = Promise.withResolvers<unknown>()
    const outcome = job.withRun(
      'b',
      'search',
      async ({ signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        stopped.resolve(signal.reason)
      },
      workflow,
    )
    const rejected = expect(outcome).rejects.toMatchObject({ code: 'closed' })
    await until('it runs', () => entryOf(ada)?.status === 'processing')
    await job.close()
    expect(await stopped.promise).toMatchObject({ code: 'closed' })
    await rejected
    expect(entryOf(ada)?.status).toBe('processing')
  })

  it('[C57] it rejects with rejected when the server refuses its run, and what stood before stands', async () => {
    const server = await startServer({
      rules: refusing((_update, { actor }) =>
        actor === 'engine' ? { code: 'forbidden_source', reason: 'not you' } : undefined,
      ),
    })
    const ada = await withBlock(server)
    const user = { source: 'polling_sync' as Source, actor: 'ada' }
    await ada.withRun('b', 'search', async () => 2, user)
    const job = connect(server, { ...workflow })
    const outcome = job.withRun(
      'b',
      'search',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      workflow,
    )
    await expect(outcome).rejects.toMatchObject({ code: 'rejected', rejection: 'forbidden_source' })
    expect(entryOf(job)).toMatchObject({ status: 'done', chunks: 2, run: { no: 1 } })
  })

  it('[C57] it goes on, and is reported, when other edits of its workspace are refused', async () => {
    const server = await startServer({
      rules: refusing((update) =>
        Buffer.from(update).includes('forbidden')
          ? { code: 'forbidden_key', reason: 'the test forbids it' }
          : undefined,
      ),
    })
    const ada = await withBlock(server)
    const job = connect(server, { ...workflow })
    const outcome = await job.withRun(
      'b',
      'search',
      async ({ signal }) => {
        await job.whenDurable()
        const { doc } = job
        textOf(job).insert(0, 'forbidden')
        await until('the document was replaced', () => job.doc !== doc)
        expect(signal.aborted).toBe(false)
        return 5
      },
      workflow,
    )
    expect(outcome.outcome).toBe('done')
    await until('ada sees it', () => entryOf(ada)?.chunks === 5)
  })

  it('[C57] it rejects with generation_changed when the workspace is another one', async () => {
    const first = await startServer({ rules: documentRules })
    await withBlock(first)
    const job = connect(first, { ...workflow })
    const outcome = job.withRun(
      'b',
      'search',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      workflow,
    )
    const rejected = expect(outcome).rejects.toMatchObject({ code: 'generation_changed' })
    await until('it runs', () => entryOf(job) !== undefined)
    await first.close()
    await startServer({ rules: documentRules, port: first.port })
    await rejected
  })
})
