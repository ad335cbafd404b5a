import { fileURLToPath } from 'node:url'
import { type IndexingEntry, indexingRules } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import { describe, expect, it } from 'vitest'
import { type Child, startReadyChild } from '../support/child-process.ts'
import { startJoinery } from '../support/joinery-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { cue, type Role, type Style, whenDone } from './cues.ts'
import { readNaive, writeNaive } from './naive-block.ts'

const ACTOR = fileURLToPath(new URL('./actor.ts', import.meta.url))

/** Statuses that a browser-like client saw, and its content at the end. */
interface Ending {
  readonly content: string
  readonly indexes: string[]
  /** Every status shown for index `docs`, in order. */
  readonly statuses: string[]
  /** The entries behind them; for Joinery only. */
  readonly entries: IndexingEntry[]
}

/** Plays one scene: processes as writers, a person in this one, through the real server. */
async function play(style: Style, scene: (stage: Stage) => Promise<void>): Promise<Ending> {
  await using stack = new AsyncDisposableStack()
  const { path: directory } = stack.use(await tempDirectory())
  const server = stack.use(await startJoinery({ directory }))
  const person = connectWorkspace({ url: server.url, workspace: 'w', actor: 'ada', source: 'user_action' })
  stack.defer(() => person.close())
  await person.whenSynced
  const statuses: string[] = []
  const entries: IndexingEntry[] = []
  person.doc.on('afterTransaction', () => {
    const entry = person.blocks.get('b')?.indexingList.get('docs')
    const status = style === 'naive' ? readNaive(person.doc).indexes.docs : entry?.status
    if (entry !== undefined && entry !== entries.at(-1)) entries.push(entry)
    if (status !== undefined && status !== statuses.at(-1)) statuses.push(status)
  })
  const stage = new Stage(style, server.url, person)
  stack.defer(() => stage.end())
  await scene(stage)
  const block = person.blocks.get('b')
  if (style === 'naive') {
    const { content, indexes } = readNaive(person.doc)
    return { content, indexes: Object.keys(indexes).sort(), statuses, entries }
  }
  const indexes = block?.indexingList.entries().map((entry) => entry.index_name) ?? []
  return { content: block?.content.toString() ?? '', indexes, statuses, entries }
}

class Stage {
  readonly #style: Style
  readonly #url: string
  readonly #person: Workspace
  readonly #actors = new Map<Role, Child>()

  constructor(style: Style, url: string, person: Workspace) {
    this.#style = style
    this.#url = url
    this.#person = person
  }

  async enter(...roles: Role[]): Promise<void> {
    const start = (role: Role) => startReadyChild({ args: [ACTOR, role, this.#style, this.#url] }, /ready/)
    const children = await Promise.all(roles.map(start))
    for (const [i, role] of roles.entries()) this.#actors.set(role, children[i] as Child)
  }

  async step(role: Role, step: string): Promise<void> {
    cue(this.#person, role, step)
    await whenDone(this.#person, role, step)
  }

  /** Kills the process in the middle of its work. */
  async kill(role: Role): Promise<void> {
    await this.#actors.get(role)?.end('SIGKILL')
    this.#actors.delete(role)
  }

  /** The person types at the end of the block's text. */
  async type(text: string): Promise<void> {
    const { doc } = this.#person
    if (this.#style === 'naive') {
      const block = readNaive(doc)
      writeNaive(doc, { ...block, content: block.content + text })
    } else {
      const content = this.#person.blocks.get('b')?.content
      content?.insert(content.length, text)
    }
    await this.#person.whenDurable()
  }

  async end(): Promise<void> {
    for (const role of [...this.#actors.keys()]) await this.kill(role)
  }
}

describe('a race on a block’s data', () => {
  const scene = async (stage: Stage): Promise<void> => {
    await stage.enter('instantiation', 'workflow')
    await stage.step('instantiation', 'create')
    await stage.kill('instantiation')
    await stage.step('workflow', 'read')
    await stage.type(' Ada’s sentence.')
    await stage.step('workflow', 'rewrite')
  }

  it('[T50] a person’s text is gone when a job writes the whole object that it read before', async () => {
    const { content } = await play('naive', scene)
    expect(content).toBe('The final.')
  })

  it('[T50] the person’s text and the job’s both stand when the job works on a fork', async () => {
    const { content, statuses } = await play('joinery', scene)
    expect(content).toBe('The final. Ada’s sentence.')
    expect(statuses.at(-1)).toBe('done')
  })
})

describe('an oscillating front end', () => {
  const scene = async (stage: Stage): Promise<void> => {
    await stage.enter('instantiation', 'workflow', 'poller')
    await stage.step('instantiation', 'create')
    await stage.step('workflow', 'process')
    await stage.step('workflow', 'read')
    await stage.step('poller', 'read')
    await stage.step('workflow', 'done')
    await stage.step('poller', 'timeout')
    await stage.kill('poller')
    await stage.step('workflow', 'rewrite')
  }

  it('[T51] a client shows done, then error, then done when statuses are the last writer’s', async () => {
    const { statuses } = await play('naive', scene)
    expect(statuses).toEqual(['notStarted', 'processing', 'done', 'error', 'done'])
  })

  it('[T51] what a client shows never goes down the law’s order when statuses are claims', async () => {
    const { statuses, entries } = await play('joinery', scene)
    expect(statuses).toEqual(['notStarted', 'processing', 'done'])
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1]
      if (before !== undefined) expect(indexingRules.compare(entry, before)).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('a lost update', () => {
  const scene = async (stage: Stage): Promise<void> => {
    await stage.enter('instantiation', 'workflow', 'poller')
    await stage.step('instantiation', 'create')
    await stage.step('workflow', 'read')
    await stage.step('poller', 'read')
    await stage.step('workflow', 'add')
    await stage.kill('workflow')
    await stage.step('poller', 'add')
  }

  it('[T52] one of two entries is gone when both writers read, modify and write the list', async () => {
    const { indexes } = await play('naive', scene)
    expect(indexes).toEqual(['docs', 'poller'])
  })

  it('[T52] both entries stand when each writer adds a claim', async () => {
    const { indexes } = await play('joinery', scene)
    expect(indexes).toEqual(['docs', 'poller', 'workflow'])
  })
})

describe('retry', () => {
  it('[T53] a new run shows processing after an error, and a late report of the old one changes nothing', async () => {
    await using stack = new AsyncDisposableStack()
    const { path: directory } = stack.use(await tempDirectory())
    const server = stack.use(await startJoinery({ directory }))
    const client = (actor: string, source: 'user_action' | 'workflow_execution') => {
      const workspace = connectWorkspace({ url: server.url, workspace: 'w', actor, source })
      stack.defer(() => workspace.close())
      return workspace
    }
    const [person, worker] = [client('ada', 'user_action'), client('worker', 'workflow_execution')]
    await Promise.all([person.whenSynced, worker.whenSynced])
    const list = worker.blocks.create('b', { type: 'text' }).indexingList
    const old = list.startRun('docs', { actor: 'worker', source: 'workflow_execution' })
    list.report('docs', old, 'error', { actor: 'worker', source: 'workflow_execution', error: 'no memory' })
    const shown = () => person.blocks.get('b')?.indexingList.get('docs')
    await until('the person sees the error', () => shown()?.status === 'error')
    const mine = person.blocks.get('b')?.indexingList.startRun('docs', { actor: 'ada', source: 'user_action' })
    await until('the worker sees the new run', () => list.get('docs')?.run.id === mine?.id)
    const late = list.report('docs', old, 'done', { actor: 'worker', source: 'workflow_execution' })
    expect(late).toMatchObject({ recorded: true, shown: false })
    await worker.whenDurable()
    await person.whenDurable()
    expect(shown()).toMatchObject({ status: 'processing', run: { no: 2, id: mine?.id } })
  })
})
