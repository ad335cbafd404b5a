import { openMemoryStore, systemLogOf } from '@joinery/log'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { checkLogs } from './check.ts'

const NAMES = ['a', 'b', 'c']
/** A Yjs update of a document with one letter. */
const updateOf = (client: number) => Uint8Array.of(1, 1, client, 0, 4, 1, 1, 116, 1, 120, 0)

async function cluster() {
  const engine = new MemoryEngine()
  const open = async (name: string) => {
    const local = openMemoryStore()
    const node = await openClusterNode({
      engine: engine.connect(name),
      store: local,
      node: name,
      advertise: `${name}:1`,
    })
    return { ...node, local }
  }
  const [a, b, c] = await Promise.all(NAMES.map(open))
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three nodes')
  const asking = engine.connect('operator')
  const checkAll = (digests = false) => Array.fromAsync(checkLogs(asking, NAMES, { digests }))
  const check = async (digests = false) => (await checkAll(digests))[0]
  return { a, b, c, check, checkAll, close: () => Promise.all([a, b, c].map((node) => node.close())) }
}
type Cluster = Awaited<ReturnType<typeof cluster>>

const entry = (n: number, more = {}) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: updateOf(n), ...more },
})
const statesOf = (checked: Awaited<ReturnType<Cluster['check']>>) =>
  checked?.copies.map(({ node, state }) => `${node} ${state}`)
const headAt = ({ store }: Cluster['a']) => store.withCopy('w', async (log) => log.head)

it('[Q31] copies that have all of the history are equal, with their documents, also while the owner has the log open', async () => {
  const { a, b, c, check, close } = await cluster()
  const log = await a.store.open('w')
  for (let n = 1; n <= 5; n++) await log.append(entry(n)).durable
  for (const node of [b, c]) await expect.poll(() => headAt(node)).toBe(5)
  expect(statesOf(await check(true))).toEqual(['a equal', 'b equal', 'c equal'])
  expect(await check()).toMatchObject({ workspace: 'w', epoch: 1, lsn: 5 })
  await close()
})

it('[Q31] a system log is compared beside the documents of workspaces, and makes none itself', async () => {
  const { a, b, c, checkAll, close } = await cluster()
  const name = systemLogOf('!work', 'w')
  const [log, journal] = [await a.store.open('w'), await a.store.open(name)]
  await log.append(entry(1)).durable
  await journal.append(entry(1, { update: Buffer.from('no update of Yjs') })).durable
  for (const node of [b, c]) {
    await expect.poll(() => headAt(node)).toBe(1)
    await expect.poll(() => node.store.withCopy(name, async (copy) => copy.head)).toBe(1)
  }
  const checked = await checkAll(true)
  expect(checked.map(({ workspace }) => workspace).toSorted()).toEqual([name, 'w'])
  for (const each of checked) expect(statesOf(each)).toEqual(['a equal', 'b equal', 'c equal'])
  await close()
})

it('[Q31] copies of a log that nobody has written to are equal, and so are those of a deleted workspace', async () => {
  const { a, checkAll, close } = await cluster()
  await (await a.store.open('never made')).close()
  const log = await a.store.open('w')
  await log.append(entry(1)).durable
  await log.close()
  await a.store.tombstone('w')
  const found = async () =>
    Object.fromEntries((await checkAll(true)).map((checked) => [checked.workspace, statesOf(checked)]))
  const equal = ['a equal', 'b equal', 'c equal']
  await expect.poll(found).toEqual({ 'never made': equal, w: equal })
  await close()
})

it('[Q31] a copy that is late is behind by so many records, and a node that does not answer is silent', async () => {
  const { a, b, c, check, close } = await cluster()
  const log = await a.store.open('w')
  await log.append(entry(1)).durable
  for (const node of [b, c]) await expect.poll(() => headAt(node)).toBe(1)
  await b.follower.close()
  await c.close()
  for (let n = 2; n <= 4; n++) await log.append(entry(n)).durable
  const checked = await check()
  expect(statesOf(checked)).toEqual(['a equal', 'b behind', 'c silent'])
  expect(checked?.copies[1]).toMatchObject({ lacks: 3, lsn: 1 })
  await close()
})

it('[Q31] a copy with another record has diverged at that record, whatever it says of itself', async () => {
  const { a, b, c, check, close } = await cluster()
  await b.follower.close()
  const log = await a.store.open('w')
  for (let n = 1; n <= 9; n++) await log.append(entry(n)).durable
  await expect.poll(() => headAt(c)).toBe(9)
  const records = (await c.store.withCopy('w', (copy) => Array.fromAsync(copy.read()))) ?? []
  const mark = await c.store.withCopy('w', (copy) => copy.readMark())
  if (mark === undefined) throw new Error('c has followed it')
  const forged = records.map((record) => (record.lsn === 6 ? { ...record, actor: 'eve' } : record))
  const copy = await b.local.open('w')
  await copy.adopt(forged, mark)
  await copy.close()
  const checked = await check()
  expect(statesOf(checked)).toEqual(['a equal', 'b diverged', 'c equal'])
  expect(checked?.copies[1]).toMatchObject({ divergedAt: 6 })
  await log.append(entry(10)).durable
  await expect.poll(() => headAt(c)).toBe(10)
  expect((await check())?.copies[1]).toMatchObject({ state: 'diverged', divergedAt: 6 })
  await close()
})
