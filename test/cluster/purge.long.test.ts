import { it } from 'vitest'
import { ClusterScene } from './cluster-scene.ts'
import { purgeCourse } from './purge-course.ts'

it('[A210] a workspace that is purged at any node is gone on all, one that was away included, and its name begins another history', async (context) => {
  await using scene = await ClusterScene.start(context)
  const one = await scene.node('n1')
  const two = await scene.node('n2')
  await purgeCourse({
    urls: [one.url, two.url],
    kill: async () => void (await two.child.end('SIGKILL')),
    start: async () => (await scene.node('n2')).url,
  })
})
