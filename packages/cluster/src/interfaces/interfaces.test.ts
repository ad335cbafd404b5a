import { expect, it } from 'vitest'
import { HistoryReader } from '../history/history-reader.ts'
import { START } from '../history/position.ts'
import { engineNameOf } from '../nodes/names.ts'
import { clusterScene, memoryScene, singleScene, writeHistory } from '../testing/scenes.ts'
import { MemoryCopies } from './memory-copies.ts'
import { openInterfaces } from './open-interfaces.ts'

it('[Q58] a deployment that is not supported says which ones are', async () => {
  const opened = openInterfaces({ mode: 'p2p' }, { node: 'a', address: '127.0.0.1:1' })
  await expect(opened).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('cluster') })
})

it('[Q56] a machine that is alone agrees with its own proposal, and a cluster has the engine vote', async () => {
  const [single, cluster] = [await singleScene(), await clusterScene(memoryScene)]
  const id = single.one.consensus.propose('g', 'yes')
  expect(await single.one.consensus.vote(id, true)).toMatchObject({ number: 1, value: 'yes' })
  const other = cluster.one.consensus.propose('g', 'yes')
  await expect(cluster.two.consensus.vote(other, true)).rejects.toMatchObject({ code: 'unsupported' })
  await cluster.one.consensus.commit(other)
  await single.close()
  await cluster.close()
})

it('[Q61] a copy with another record than the history is found, with the record', async () => {
  const engines = await memoryScene()
  const copies = new MemoryCopies()
  const options = { node: 'one', address: '127.0.0.1:1', copies }
  const { state, close } = await openInterfaces({ mode: 'cluster', engine: engines.one }, options)
  await writeHistory(engines.two.log, 'w', ['a', 'b', 'c', 'd', 'e'])
  const reader = new HistoryReader('w', START)
  const records = (await engines.two.log.read(engineNameOf('w'), 0, 100)).flatMap((each) => reader.read(each).records)
  const wrong = records.map((record) => (record.lsn < 4 ? record : { ...record, update: Buffer.from('other') }))
  await copies.withCopy('w', async (log) => {
    await log.adopt(wrong, reader.position)
  })
  expect(await state.checkConsistency('w')).toEqual([{ node: 'one', state: 'diverged', atLsn: 4 }])
  await close()
  await engines.close()
})
