import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { OTHER_CLIENTS, type OtherClient } from '../support/other-yjs.ts'
import { connectStock, STOCK_VERSIONS, type StockClient } from '../support/stock-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { type Edit, edit, makeEdit, makeOtherEdit, shownIn } from './yjs-edits.ts'

type Step = { readonly who: number } & (
  | { readonly does: 'edit'; readonly edits: readonly Edit[] }
  | { readonly does: 'disconnect' | 'connect' | 'sync' }
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      who: fc.nat(4),
      does: fc.constant('edit' as const),
      edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ who: fc.nat(4), does: fc.constantFrom('disconnect', 'connect', 'sync') }) },
)
/** The steps of five people while a server serves them, and their edits while it is down. */
export const history = fc.record({
  online: fc.array(step, { minLength: 5, maxLength: 50 }),
  whileDown: fc.array(fc.record({ who: fc.nat(4), edits: fc.array(edit, { minLength: 1, maxLength: 3 }) }), {
    maxLength: 5,
  }),
})
type History = typeof history extends fc.Arbitrary<infer T> ? T : never

/** One of five people, each with another client. */
interface Person extends Disposable {
  make(edits: readonly Edit[]): void
  connect(): void
  disconnect(): void
  readonly isSynced: boolean
  readonly isConnected: boolean
  /** Its document, or a copy of it. */
  doc(): Y.Doc
}

function stockPerson(client: StockClient): Person {
  const { doc, provider } = client
  return {
    make: (edits) => {
      doc.transact(() => {
        for (const each of edits) makeEdit(doc, each)
      })
    },
    connect: () => provider.connect(),
    disconnect: () => provider.disconnect(),
    get isSynced() {
      return provider.synced
    },
    get isConnected() {
      return provider.wsconnected
    },
    doc: () => doc,
    [Symbol.dispose]: () => client[Symbol.dispose](),
  }
}

function otherPerson(client: OtherClient): Person {
  return {
    make: (edits) => {
      for (const each of edits) makeOtherEdit(client, each)
    },
    connect: () => client.connect(),
    disconnect: () => client.disconnect(),
    get isSynced() {
      return client.isSynced
    },
    get isConnected() {
      return client.isConnected
    },
    doc: () => {
      const copy = new Y.Doc()
      Y.applyUpdate(copy, client.state())
      return copy
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  }
}

/**
 * Five people. One of them has another implementation: Yjs 14 or ywasm, by turns. They can't share a document: ywasm 0.18 cuts
 * the client ids of Yjs 14 to 32 bits.
 */
function enter(url: string, workspace: string, turn: number): Person[] {
  const others = Object.values(OTHER_CLIENTS)
  const connect = others[turn % others.length] as (typeof others)[number]
  return [
    ...([...STOCK_VERSIONS, '3.1'] as const).map((version) => stockPerson(connectStock({ version, url, workspace }))),
    otherPerson(connect({ url, workspace })),
  ]
}

/** How a replica differs from another in JSON, state vector or deletions; undefined when in nothing. */
function differenceOf(a: Y.Doc, b: Y.Doc): string | undefined {
  for (const doc of [a, b])
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) return 'edits that wait'
  const [one, two] = [Y.snapshot(a), Y.snapshot(b)]
  if (!isDeepStrictEqual(one.sv, two.sv)) return 'the state vector'
  if (!Y.equalDeleteSets(one.ds, two.ds)) return 'the deletions'
  return isDeepStrictEqual(shownIn(a), shownIn(b)) ? undefined : 'the JSON'
}

/** Times between two comparisons of replicas, ms: each encodes and decodes whole documents. */
const COMPARE_MS = 100

async function whenEqual(people: readonly Person[]): Promise<void> {
  await until('all are in sync', () => people.every(({ isSynced }) => isSynced))
  let found = differencesIn(people)
  let nextMs = performance.now() + COMPARE_MS
  const areEqual = () => {
    if (found.length > 0 && performance.now() > nextMs) {
      found = differencesIn(people)
      nextMs = performance.now() + COMPARE_MS
    }
    return found.length === 0
  }
  await until('all hold the same', areEqual).catch((cause: unknown) => {
    throw new Error(`they differ in ${found.join(', ')}`, { cause })
  })
}

/** How the replicas of the others differ from the first one's. */
function differencesIn(people: readonly Person[]): string[] {
  const [first, ...others] = people.map((person) => person.doc())
  if (first === undefined) return []
  return others.flatMap((doc, at) => {
    const difference = differenceOf(first, doc)
    return difference === undefined ? [] : [`${difference} of ${at + 1}`]
  })
}

async function playOnline(people: readonly Person[], steps: readonly Step[]): Promise<void> {
  for (const next of steps) {
    const person = people[next.who] as Person
    if (next.does === 'edit') person.make(next.edits)
    else if (next.does === 'sync')
      await until('everybody who is connected syncs', () =>
        people.every(({ isConnected, isSynced }) => isSynced || !isConnected),
      )
    else person[next.does]()
  }
  for (const person of people) person.connect()
  await whenEqual(people)
}

/** Plays histories beside each other, each in a workspace of its own, on one server, which is started anew once for all of them. */
export async function playTogether(histories: readonly History[]): Promise<void> {
  await using directory = await tempDirectory()
  const first = await startJoinery({ directory: directory.path })
  const rooms = histories.map(({ online, whileDown }, n) => ({
    online,
    whileDown,
    name: `h${n}`,
    people: enter(first.url, `h${n}`, n),
  }))
  try {
    await Promise.all(rooms.map(({ people, online }) => playOnline(people, online)))
    await first.child.end('SIGTERM')
    const everybody = rooms.flatMap(({ people }) => people)
    await until('everybody notices', () => everybody.every(({ isConnected }) => !isConnected))
    for (const { people, whileDown } of rooms) for (const { who, edits } of whileDown) people[who]?.make(edits)
    await using second = await startJoinery({ directory: directory.path, port: first.port })
    for (const { people } of rooms) await whenEqual(people)
    for (const { people, name } of rooms) {
      using newcomer = stockPerson(connectStock({ version: '3.1', url: second.url, workspace: name }))
      await whenEqual([...people, newcomer])
    }
  } finally {
    for (const { people } of rooms) for (const person of people) person[Symbol.dispose]()
    await first.child.end('SIGKILL')
  }
}
