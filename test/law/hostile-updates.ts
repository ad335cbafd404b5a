import { createBlock, forkDoc, getBlock } from '@joinery/blocks'
import type { RejectionCode } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** The target of an attacker: the room's document as of now, and the client id of a person at work in it. */
export interface Target {
  readonly doc: Y.Doc
  readonly person: number
}

/** One hostile or mistaken update, and the code it must be refused with. `what` completes "an update that ...". */
export interface HostileUpdate {
  readonly what: string
  readonly code: RejectionCode
  readonly make: (target: Target) => Uint8Array
}

/** The room has block `b1` with index `words`: run 1, id `r1`, started by the workflow `robot`. The attacker is `mallory`, for `user_action`. */
const CLAIM = {
  index_name: 'words',
  run: { no: 1, id: 'r1', source: 'workflow_execution' },
  status: 'done',
  source: 'user_action',
  actor: 'mallory',
  at: 1_700_000_000_000,
}
const FIELD = { key: 'title', value: 'x', seq: 1, source: 'user_action', actor: 'mallory', at: 1_700_000_000_000 }

/** One update with the changes that `edit` makes to a copy of the target, written as client `clientID`. */
function editing(edit: (doc: Y.Doc) => void, clientID?: (target: Target) => number) {
  return (target: Target): Uint8Array => {
    const doc = forkDoc(target.doc)
    if (clientID !== undefined) doc.clientID = clientID(target)
    const before = Y.encodeStateVector(doc)
    doc.transact(() => edit(doc))
    return Y.encodeStateAsUpdate(doc, before)
  }
}

const pushing = (part: 'indexingList' | 'fields', claim: object) =>
  editing((doc) => {
    const list = getBlock(doc, 'b1')?.map.get(part)
    if (!(list instanceof Y.Array)) throw new Error(`block b1 has no ${part}`)
    list.push([claim])
  })

const forged = (what: string, code: RejectionCode, change: object): HostileUpdate => ({
  what,
  code,
  make: pushing('indexingList', { ...CLAIM, ...change }),
})

function numbers(...values: readonly number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const value of values) encoding.writeVarUint(encoder, value)
  return encoding.toUint8Array(encoder)
}

/** One garbage struct: it holds nothing and takes up clocks. */
const hollow = (client: number, clock: number, length: number) => numbers(1, 1, client, clock, 0, length, 0)

/** The client id that block `b9`'s skeleton must have. */
function skeletonClient(): number {
  const doc = new Y.Doc()
  createBlock(doc, 'b9', { type: 'text' })
  const client = [...doc.store.clients.keys()].find((id) => id >= 2 ** 52)
  if (client === undefined) throw new Error('the block has no skeleton')
  return client
}

function underSkeleton(edit: (doc: Y.Doc) => void): () => Uint8Array {
  return () => {
    const doc = new Y.Doc()
    doc.clientID = skeletonClient()
    edit(doc)
    return Y.encodeStateAsUpdate(doc)
  }
}

function nestedThenDeleted(): Uint8Array {
  const doc = new Y.Doc({ gc: false })
  const root = doc.getMap<Y.Map<unknown>>('blocks')
  doc.transact(() => {
    let map = root.set('deep', new Y.Map())
    for (let level = 1; level < 3_000; level++) map = map.set('m', new Y.Map()) as Y.Map<unknown>
  })
  const update = Y.encodeStateAsUpdate(doc)
  const owner = doc.clientID
  // Deleting it here would overflow the attacker's own stack first: the deletion is written by hand.
  return Y.mergeUpdates([update, numbers(0, 1, owner, 1, 0, 1)])
}

function deepJson(levels: number): (target: Target) => Uint8Array {
  return editing((doc) => {
    let value: unknown = 1
    for (let level = 0; level < levels; level++) value = { v: value }
    doc.getMap('edges').set('e', value)
  })
}

const CLAIMS: readonly HostileUpdate[] = [
  forged("reports in the workflow's name", 'forbidden_actor', { actor: 'robot' }),
  forged('reports for the workflow', 'forbidden_source', { source: 'workflow_execution' }),
  forged('gives the run another number', 'foreign_run', { run: { ...CLAIM.run, no: 2 } }),
  forged('gives the run another source', 'foreign_run', { run: { ...CLAIM.run, source: 'user_action' } }),
  forged('makes up a run of the workflow', 'foreign_run', { run: { ...CLAIM.run, no: 2, id: 'r2' } }),
  forged('reports a status there is none of', 'bad_claim', { status: 'finished' }),
  forged('reports for a source there is none of', 'bad_claim', { source: 'root' }),
  forged('numbers its run below zero', 'bad_claim', { run: { no: -1, id: 'r2', source: 'user_action' } }),
  forged('numbers its run with a fraction', 'bad_claim', { run: { no: 1.5, id: 'r2', source: 'user_action' } }),
  forged('leaps to the last run number', 'bad_claim', { run: { no: 2 ** 31 - 1, id: 'r2', source: 'user_action' } }),
  forged('has a list for a run', 'bad_claim', { run: [1] }),
  forged('has an actor that is no text', 'bad_claim', { actor: { name: 'mallory' } }),
  forged('has an endless index name', 'bad_claim', { index_name: 'w'.repeat(300) }),
  forged('has a book for an error', 'bad_claim', { status: 'error', error: 'e'.repeat(5_000) }),
  forged('counts chunks below zero', 'bad_claim', { chunks: -1 }),
  forged('happens after the end of time', 'bad_claim', { at: 1e300 }),
  {
    what: "writes a field in a person's name",
    code: 'forbidden_actor',
    make: pushing('fields', { ...FIELD, actor: 'ada' }),
  },
  {
    what: 'writes a field for the poller',
    code: 'forbidden_source',
    make: pushing('fields', { ...FIELD, source: 'polling_sync' }),
  },
  {
    what: "leaps to a field's last number",
    code: 'bad_claim',
    make: pushing('fields', { ...FIELD, seq: 2 ** 31 - 1 }),
  },
  {
    what: 'hides a forged claim in a plain array that replaces the list',
    code: 'forbidden_actor',
    make: editing((doc) => getBlock(doc, 'b1')?.map.set('indexingList', [{ ...CLAIM, actor: 'robot' }])),
  },
]

const IDENTITIES: readonly HostileUpdate[] = [
  {
    what: "uses a person's client id again with other content",
    code: 'client_id_owned',
    make: editing(
      (doc) => doc.getText('t').insert(0, 'not ada'),
      ({ person }) => person,
    ),
  },
  {
    what: "puts garbage at a person's clock, far ahead",
    code: 'client_id_owned',
    make: ({ doc, person }) => hollow(person, Y.getState(doc.store, person) + 1_000, 5),
  },
  {
    what: "skips a person's next clocks and takes the one after",
    code: 'client_id_owned',
    // 10 is Yjs's Skip, 0 its garbage.
    make: ({ doc, person }) => numbers(1, 2, person, Y.getState(doc.store, person), 10, 1_000, 0, 1, 0),
  },
  {
    what: "puts the right map, and other parts, under a skeleton's client id",
    code: 'forged_skeleton',
    make: underSkeleton((doc) => {
      const map = new Y.Map<unknown>()
      doc.getMap('blocks').set('b9', map)
      map.set('id', 'b1')
    }),
  },
]

const honest = editing((doc) => doc.getText('t').insert(0, 'honest'))
const BYTES: readonly HostileUpdate[] = [
  { what: 'leaps over two billion clocks', make: () => hollow(7, 0, 2 ** 31) },
  { what: 'has a clock over 32 bits', make: () => hollow(7, 2 ** 40, 1) },
  { what: 'deletes a range of 2^52', make: () => numbers(0, 1, 7, 1, 0, 2 ** 52) },
  { what: 'is a V2 update', make: (target: Target) => Y.convertUpdateFormatV1ToV2(honest(target)) },
  { what: 'ends too early', make: (target: Target) => honest(target).slice(0, -4) },
  { what: 'goes on after its end', make: (target: Target) => Uint8Array.of(...honest(target), 1, 2, 3) },
  { what: 'is nothing at all', make: () => new Uint8Array() },
].map((attack) => ({ ...attack, code: 'bad_update' as const }))

const SIZES: readonly HostileUpdate[] = [
  {
    what: 'is of eighty thousand writers',
    code: 'too_large',
    make: () =>
      Buffer.concat([
        numbers(80_000),
        ...Array.from({ length: 80_000 }, (_, i) => numbers(1, i + 1, 0, 0, 1)),
        numbers(0),
      ]),
  },
]

const DEPTHS: readonly HostileUpdate[] = [
  { what: 'nests 3,000 maps and deletes the outermost', code: 'too_deep', make: nestedThenDeleted },
  { what: 'has a JSON value 5,000 deep', code: 'too_deep', make: deepJson(5_000) },
]

export const HOSTILE_UPDATES: readonly HostileUpdate[] = [...CLAIMS, ...IDENTITIES, ...BYTES, ...SIZES, ...DEPTHS]
