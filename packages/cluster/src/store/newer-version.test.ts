import { openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { factsOf, messageOf } from '../history/message.ts'
import { engineNameOf } from '../nodes/names.ts'

const entry = (text: string) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
})

it('[Q8] a node that meets a message of a newer version keeps its copy, says why it neither follows nor owns the log, writes nothing, and follows the others', async () => {
  const engine = new MemoryEngine()
  const open = (node: string) =>
    openClusterNode({ engine: engine.connect(node), store: openMemoryStore(), node, advertise: `${node}:1` })
  const [a, b] = [await open('a'), await open('b')]
  const write = async (name: string, text: string): Promise<void> => {
    const log = await a.store.open(name)
    await log.append(entry(text)).durable
    await log.close()
  }
  const headAt = (name: string) => b.store.withCopy(name, async ({ head }) => head)
  await write('w', '1')
  await expect.poll(() => headAt('w')).toBe(1)
  const subject = engineNameOf('w')
  const last = engine.log.last(subject)
  if (last === undefined) throw new Error('the log has no message')
  const { chain, first: _first, last: lsn, ...facts } = factsOf('w', last)
  const newer = { ...facts, kind: 'summary', first: lsn + 1, last: lsn } as never
  const written = await engine
    .connect('newer')
    .log.append(subject, messageOf('w', chain, newer, Buffer.from('newer')), last.sequence)
  if (written === 'refused') throw new Error('another message came in between')
  const said = expect.stringContaining('of the kind "summary", which this version does not know')
  await expect.poll(() => b.follower.problems.get('w')).toEqual(said)
  await expect(b.store.open('w')).rejects.toMatchObject({ code: 'storage_failed', message: said })
  // No epoch of this node stands behind the newer message.
  expect(engine.log.last(subject)).toMatchObject(written)
  expect(await headAt('w')).toBe(1)
  await write('v', '1')
  await expect.poll(() => headAt('v')).toBe(1)
  await Promise.all([a, b].map((node) => node.close()))
})
