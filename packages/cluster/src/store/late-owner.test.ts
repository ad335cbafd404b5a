import { openMemoryStore, type WorkspaceLog } from '@joinery/log'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { writeHistory } from '../testing/scenes.ts'

const JOURNAL = '!work/w'
const append = (log: WorkspaceLog, text: string) =>
  log.append({ actor: 'ann', source: 'x', connection: 'c', touched: [], update: Buffer.from(text) })
const textsIn = async (log: WorkspaceLog): Promise<string[]> =>
  (await Array.fromAsync(log.read())).map(({ update }) => Buffer.from(update).toString())

it('[Q82] a workspace is opened although the late words of another owner came after its journal was opened here, and the journal goes on', async () => {
  const engine = new MemoryEngine()
  const link = engine.connect('a')
  const node = await openClusterNode({ engine: link, store: openMemoryStore(), node: 'a', advertise: 'a:1' })
  const journal = await node.store.open(JOURNAL)
  await append(journal, 'kept').durable
  // A node that stood still while this one took the workspace writes its epoch now, and ends.
  await writeHistory(link.log, 'w', ['late'])
  const log = await node.store.open('w')
  expect(await textsIn(log)).toEqual(['late'])
  expect(journal.state).toMatchObject({ state: 'fenced' })
  expect(() => append(journal, 'by a journal of before')).toThrow('nothing more')
  await append(log, 'edit').durable
  const again = await node.store.open(JOURNAL)
  await append(again, 'goes on').durable
  expect(await textsIn(again)).toEqual(['kept', 'goes on'])
  await node.close()
})
