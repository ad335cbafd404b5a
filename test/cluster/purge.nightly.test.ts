import { natsServerPath } from '@joinery/cluster/testing'
import { it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { JoineryCluster, NODES } from './joinery-cluster.ts'
import { purgeCourse } from './purge-course.ts'

it('[A210] a workspace that is purged at one of three nodes on three NATS servers is gone on all, one that was away included', async (context) => {
  const path = await natsServerPath()
  if (path === undefined) return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
  await using home = await tempDirectory()
  const cluster = await JoineryCluster.start(path, home.path)
  const urls = NODES.map((node) => `http://127.0.0.1:${cluster.linksOf(node).port}`)
  try {
    await purgeCourse({
      urls,
      kill: () => cluster.endNode(2),
      start: async () => {
        await cluster.startNode(2)
        return urls[2] ?? ''
      },
    })
  } finally {
    await cluster.stop()
  }
})
