import { expect, it } from 'vitest'
import { clusterScene, memoryScene, singleScene } from '../testing/scenes.ts'
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
