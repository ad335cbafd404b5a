import { writeFile } from 'node:fs/promises'
import { ADAPTER_KINDS, EmbeddingService, readResourcesConfig, Secrets, VectorStore } from '@joinery/resources'
import { expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'
import { ClusterScene } from './cluster-scene.ts'
import { purgeCourse } from './purge-course.ts'

it('[A210] a workspace that is purged at any node is gone on all, one that was away included, with what that keeps beside its copy, and its name begins another history', async (context) => {
  await using scene = await ClusterScene.start(context)
  await using home = await tempDirectory()
  const resources = JSON.stringify({
    adapters: { 'embedding@1': { kind: 'embeddings', base: 'http://127.0.0.1:1', model: 'm' } },
  })
  const file = `${home.path}/resources.json`
  await writeFile(file, resources)
  const [embeddings] = readResourcesConfig(resources, ADAPTER_KINDS).adapters
  if (embeddings === undefined) throw new Error('there is no adapter')
  const { key } = new EmbeddingService(embeddings.config, new Secrets({}))
  const one = await scene.node('n1')
  const start = () => scene.node('n2', { env: { JOINERY_RESOURCES: file } })
  const two = await start()
  // A store of its own each time: it remembers what it has read.
  const vectors = () => new VectorStore(`${two.directory}/vectors`)
  await purgeCourse({
    urls: [one.url, two.url],
    directory: two.directory,
    kill: async () => {
      await two.child.end('SIGKILL')
      await vectors().add('demo', key, new Map([['of a text that is purged', new Float32Array([1])]]))
    },
    start: async () => (await start()).url,
  })
  await expect.poll(async () => (await vectors().read('demo', key)).size).toBe(0)
})
