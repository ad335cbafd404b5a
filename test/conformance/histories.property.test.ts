import { type Block, createBlock, getBlock, type IndexingRun, listBlocks, RunSupersededError } from '@joinery/blocks'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSize } from '../support/run-size.ts'
import { runSeed } from '../support/seeded-random.ts'
import { connectStock, STOCK_VERSIONS, type StockClient, whenSynced } from '../support/stock-client.ts'
import { type TempDirectory, tempDirectory } from '../support/temp-directory.ts'
import { until, within } from '../support/until.ts'

const HISTORIES = runSize('JOINERY_HISTORIES', { everyday: 40, nightly: 2_000 })
const BLOCKS = ['intro', 'body', 'end'] as const
const INDEXES = ['words', 'vectors'] as const
const SOURCES = ['user_action', 'workflow_execution', 'instantiation', 'polling_sync'] as const

type Step = { readonly who: number } & (
  | { readonly does: 'create'; readonly block: (typeof BLOCKS)[number] }
  | { readonly does: 'type'; readonly block: (typeof BLOCKS)[number]; readonly at: number }
  | { readonly does: 'run'; readonly block: (typeof BLOCKS)[number]; readonly index: (typeof INDEXES)[number] }
  | { readonly does: 'report'; readonly status: 'processing' | 'done' | 'error' }
  | { readonly does: 'disconnect' | 'connect' | 'wait' }
)

const who = fc.nat({ max: 4 })
const block = fc.constantFrom(...BLOCKS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ who, does: fc.constant('create' as const), block }),
  fc.record({ who, does: fc.constant('type' as const), block, at: fc.nat({ max: 1_000 }) }),
  fc.record({ who, does: fc.constant('run' as const), block, index: fc.constantFrom(...INDEXES) }),
  fc.record({
    who,
    does: fc.constant('report' as const),
    status: fc.constantFrom('processing' as const, 'done' as const, 'error' as const),
  }),
  fc.record({ who, does: fc.constantFrom('disconnect' as const, 'connect' as const, 'wait' as const) }),
)

/** Everything that everybody did. It is compared with what they show at the end. */
class Played {
  /** Words typed into each block, each unique. */
  readonly words = new Map<string, string[]>()
  /** `block/index` of every run started. */
  readonly indexes = new Set<string>()
  readonly lastRun = new Map<number, { block: string; index: string; run: IndexingRun }>()

  do(step: Step, client: StockClient): void | Promise<void> {
    const { doc, provider } = client
    const author = { source: SOURCES[step.who % SOURCES.length] ?? SOURCES[0], actor: `person-${step.who}` }
    switch (step.does) {
      case 'create':
        createBlock(doc, step.block, { type: 'note' })
        return
      case 'type':
        this.#type(getBlock(doc, step.block), step.who, step.at)
        return
      case 'run':
        this.#start(getBlock(doc, step.block), step.index, step.who, author)
        return
      case 'report': {
        const last = this.lastRun.get(step.who)
        if (last === undefined) return
        getBlock(doc, last.block)?.indexingList.report(last.index, last.run, step.status, author)
        return
      }
      case 'disconnect':
        provider.disconnect()
        return
      case 'connect':
        provider.connect()
        return
      case 'wait':
        // Frames on their way arrive, so that a history has concurrent edits and others.
        return provider.shouldConnect ? within('a client syncs', whenSynced(client)) : undefined
    }
  }

  #type(target: Block | undefined, who: number, at: number): void {
    if (target === undefined) return
    const words = this.words.get(target.id) ?? []
    const word = `<${target.id}.${who}.${words.length}>`
    this.words.set(target.id, [...words, word])
    target.content.insert(at % (target.content.length + 1), word)
  }

  #start(
    target: Block | undefined,
    index: string,
    who: number,
    author: { source: (typeof SOURCES)[number]; actor: string },
  ) {
    if (target === undefined) return
    try {
      const run = target.indexingList.startRun(index, author)
      this.indexes.add(`${target.id}/${index}`)
      this.lastRun.set(who, { block: target.id, index, run })
    } catch (error) {
      // The law: no new run over an unfinished one of a source that ranks higher.
      if (!(error instanceof RunSupersededError)) throw error
    }
  }
}

const shown = (doc: Y.Doc) => listBlocks(doc).map((item) => item.toJSON())

let directory: TempDirectory
let joinery: JoineryProcess
let histories = 0

beforeAll(async () => {
  directory = await tempDirectory()
  joinery = await startJoinery({ directory: directory.path })
})

afterAll(async () => {
  await joinery?.[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

async function playHistory(people: number, steps: readonly Step[]): Promise<void> {
  const workspace = `history-${++histories}`
  const clients = Array.from({ length: people }, (_, index) => {
    const version = STOCK_VERSIONS[index % STOCK_VERSIONS.length] ?? '3.1'
    return connectStock({ version, url: joinery.url, workspace })
  })
  try {
    await within('everybody syncs', Promise.all(clients.map(whenSynced)))
    const played = new Played()
    for (const next of steps) {
      const client = clients[next.who % people]
      if (client !== undefined) await played.do({ ...next, who: next.who % people }, client)
    }
    for (const { provider } of clients) provider.connect()
    await within('everybody syncs again', Promise.all(clients.map(whenSynced)))
    await until('all hold the same', () => new Set(clients.map(({ doc }) => fingerprint(doc))).size === 1)
    const newcomer = await RawClient.open({ url: joinery.url, path: workspace })
    expectNothingLost(newcomer.doc, played)
    for (const { doc } of clients) expect(shown(doc)).toEqual(shown(newcomer.doc))
    await newcomer.close()
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
}

/** A text that is equal for replicas with the same state, deletions and view. */
function fingerprint(doc: Y.Doc): string {
  const clocks = [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b)
  return JSON.stringify([clocks, shown(doc), doc.store.pendingStructs === null])
}

function expectNothingLost(doc: Y.Doc, played: Played): void {
  for (const [id, words] of played.words) {
    const content = getBlock(doc, id)?.content.toString() ?? ''
    // A word may be typed into the middle of another, so count its characters rather than look for it whole.
    expect(content.length, `everything typed into ${id}`).toBe(words.join('').length)
  }
  const indexes = listBlocks(doc).flatMap((item) =>
    item.indexingList.entries().map(({ index_name }) => `${item.id}/${index_name}`),
  )
  expect(indexes.sort()).toEqual([...played.indexes].sort())
}

describe('any history of people who create, type, index and lose their connections', () => {
  it('[T15, M1, M5, M6] all stock clients and a newcomer show the same and nothing is lost when everybody is back', async () => {
    const seed = runSeed() | 0
    console.log(`histories: JOINERY_SEED=${seed >>> 0}`)
    const people = fc.integer({ min: 3, max: 5 })
    const steps = fc.array(step, { minLength: 5, maxLength: 60 })
    await fc.assert(fc.asyncProperty(people, steps, playHistory), { seed, numRuns: HISTORIES, endOnFailure: true })
  })
})
