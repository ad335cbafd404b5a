import { createHash, randomBytes } from 'node:crypto'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { connectWorkspace, uploadsOf, type Workspace } from '@joinery/client'
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest'
import { runSeed, seededRandom } from '../support/seeded-random.ts'
import { swiftRoot } from '../support/swift-server.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { serveFilesIn } from './bucket-server.ts'
import { openDiskScene } from './disk-scene.ts'
import { keysIn, lookAt, openS3Scene, openUploadsIn, storeIn } from './s3-scene.ts'
import { type Call, type Fate, StoreProxy } from './store-proxy.ts'
import { TrialUpload } from './store-scene.ts'
import { openSwiftBucket, type SwiftBucket, skipForSwift } from './swift-bucket.ts'
import { drawFates } from './upload-faults.ts'

const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
const KIB = 1024
const MIB = 1024 * KIB
const HOUR_MS = 3_600_000
/** The parts that Swift joins by its own settings. With 10,000 its proxy answers 503 while it gathers them for a copy. */
const SWIFT_PARTS_MAX = 1_000
/** A worker that was killed is found dead after this time. */
const LIMITS = `files.partBytes=${4 * KIB},tasks.leaseMs=3000`
/** Calls that a server makes to the store for one upload. */
const CALLS = 12
/** Calls at which the server is killed, before the store has done each or after. */
const KILLS = IS_NIGHTLY
  ? Array.from({ length: 2 * CALLS }, (_, at) => [1 + (at >> 1), at % 2 === 0 ? 'before' : 'after'] as const)
  : ([
      [3, 'after'],
      [5, 'after'],
      [8, 'before'],
    ] as const)
const UPLOADS = IS_NIGHTLY ? 500 : 6
const AT_ONCE = 6

let swift: SwiftBucket | undefined
beforeAll(async () => {
  if (swiftRoot() !== undefined) swift = await openSwiftBucket()
})
afterAll(() => swift?.close())

function bucketFor(context: TestContext): SwiftBucket {
  return swift ?? skipForSwift(context)
}

async function newBlock(workspace: Workspace): Promise<string> {
  await workspace.whenSynced
  const { id } = workspace.blocks.create({ type: 'text' })
  await workspace.whenDurable()
  return id
}

const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** Sees by another client that a bucket has these files, each with its bytes, and nothing else of the workspace. */
async function expectFiles(bucket: SwiftBucket, digests: readonly string[]): Promise<void> {
  const client = lookAt(bucket)
  try {
    const keys = (await keysIn(client, bucket)).filter((key) => digests.some((digest) => key.endsWith(digest)))
    expect(keys).toHaveLength(digests.length)
    expect(await openUploadsIn(client, bucket)).toBe(0)
    for (const key of keys) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: key }))
      expect(key).toMatch(new RegExp(`/${digestOf((await Body?.transformToByteArray()) ?? new Uint8Array())}$`))
    }
    expect((await keysIn(client, bucket)).filter((key) => key.includes('.uploads/'))).toEqual([])
  } finally {
    client.destroy()
  }
}

it('[A114] the policy of the page allows the store of files, for requests and for images', async () => {
  await using directory = await tempDirectory()
  const bucket = { endpoint: 'https://s3.example:9000/base', bucket: 'files', accessKeyId: 'i', secretAccessKey: 'k' }
  await using server = await serveFilesIn({ directory: directory.path, bucket })
  const page = await fetch(`http://127.0.0.1:${server.port}/w/demo`)
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([
    200,
    expect.stringMatching(
      /; img-src 'self' data: https:\/\/s3\.example:9000; connect-src 'self' https:\/\/s3\.example:9000;/,
    ),
  ])
})

it('[A114, A115, A116] uploads of a server go to a bucket of Swift, are counted, and are gone with their workspace', async (context) => {
  const bucket = bucketFor(context)
  await using directory = await tempDirectory()
  await using server = await serveFilesIn({ directory: directory.path, bucket })
  const workspace = connectWorkspace({ url: server.url, workspace: 'files', actor: 'ada' })
  const content = new Uint8Array(Buffer.from('in a bucket'))
  try {
    const block = await newBlock(workspace)
    const upload = uploadsOf(workspace).upload(block, new Blob([content]), { name: 'a.txt' })
    expect(await upload.finished).toMatchObject({ state: 'synced' })
    const { url } = await uploadsOf(workspace).download(block, 'a.txt')
    expect(new URL(url).origin).toBe(bucket.endpoint)
    expect(new Uint8Array(await (await fetch(url)).arrayBuffer())).toEqual(content)
  } finally {
    await workspace.close()
  }
  await expectFiles(bucket, [digestOf(content)])
  const home = `http://127.0.0.1:${server.port}`
  const metrics = await (await fetch(`${home}/metrics`)).text()
  expect(metrics).toContain(`joinery_upload_bytes_total ${content.length}\n`)
  expect(metrics).toContain('joinery_uploads_total{outcome="synced"} 1\n')
  const headers = { 'x-joinery-source': 'user_action' }
  expect((await fetch(`${home}/v1/workspaces/files`, { method: 'DELETE', headers })).status).toBe(204)
  await expectFiles(bucket, [digestOf(content)])
  expect((await fetch(`${home}/v1/workspaces/files/purge`, { method: 'POST', headers })).status).toBe(204)
  await expectFiles(bucket, [])
})

it('[RU6] uploads through a network that loses, repeats and cuts one message in ten end with one object each', async (context) => {
  const bucket = bucketFor(context)
  const seed = runSeed()
  const proxy = await StoreProxy.open(bucket.endpoint, { fateOf: drawFates(seededRandom(seed)) })
  await using directory = await tempDirectory()
  await using server = await serveFilesIn({
    ...{ directory: directory.path, limits: LIMITS },
    bucket: { ...bucket, endpoint: proxy.origin },
  })
  const workspace = connectWorkspace({ url: server.url, workspace: 'faults', actor: 'ada' })
  try {
    const block = await newBlock(workspace)
    for (let done = 0; done < UPLOADS; done += AT_ONCE) {
      const contents = Array.from({ length: AT_ONCE }, (_, n) => Buffer.alloc(10 * KIB + n, `${seed} ${done + n};`))
      const uploads = contents.map((content, n) =>
        uploadsOf(workspace).upload(block, new Blob([new Uint8Array(content)]), { name: `${done + n}.bin` }),
      )
      for (const { finished } of uploads) expect(await finished).toMatchObject({ state: 'synced' })
      await expectFiles(bucket, contents.map(digestOf))
    }
  } catch (error) {
    throw new Error(`JOINERY_SEED=${seed}`, { cause: error })
  } finally {
    await workspace.close()
    await proxy.close()
  }
})

it('[RU6] a server that is killed at any call of an upload leaves one object, and no open upload', async (context) => {
  const bucket = bucketFor(context)
  let fateOf: (call: Call) => Promise<Fate | undefined> = async () => undefined
  const proxy = await StoreProxy.open(bucket.endpoint, { fateOf: (call) => fateOf(call) })
  await using directory = await tempDirectory()
  const options = {
    ...{ directory: directory.path, limits: LIMITS },
    bucket: { ...bucket, endpoint: proxy.origin },
  }
  let server = await serveFilesIn(options)
  const workspace = connectWorkspace({ url: server.url, workspace: 'kills', actor: 'ada' })
  const digests: string[] = []
  try {
    const block = await newBlock(workspace)
    for (const [at, moment] of KILLS) {
      let calls = 0
      const dead = Promise.withResolvers<void>()
      const kill = async (): Promise<void> => {
        await server.child.end('SIGKILL')
        dead.resolve()
      }
      fateOf = async ({ url }) => {
        // The client's own requests.
        if (url.includes('partNumber=') || ++calls !== at) return undefined
        if (moment === 'after') return { change: async () => (await kill(), {}) }
        await kill()
        return { cut: 'before' }
      }
      const content = randomBytes(10 * KIB)
      digests.push(digestOf(content))
      const name = `${at} ${moment}.bin`
      const upload = uploadsOf(workspace).upload(block, new Blob([new Uint8Array(content)]), { name })
      const first = await Promise.race([dead.promise.then(() => 'killed'), upload.finished.then(() => 'ended')])
      // An upload that makes fewer calls has met no kill.
      if (first === 'killed') server = await serveFilesIn({ ...options, port: server.port })
      else expect(calls).toBeLessThan(at)
      expect(await upload.finished).toMatchObject({ state: 'synced' })
      await expect
        .poll(() => workspace.blocks.get(block)?.statuses('file@1').get(name)?.status, { message: name })
        .toBe('synced')
    }
    await expectFiles(bucket, digests)
  } finally {
    await workspace.close()
    await proxy.close()
    await server[Symbol.asyncDispose]()
  }
})

it.each([
  ['parts of 5 MiB and a last one of a byte, listed one at a time', [5 * MIB, 5 * MIB, 1], 1],
  ...(IS_NIGHTLY ? [['10,000 parts, of which Swift gets 1,000', new Array<number>(10_000).fill(1), 100] as const] : []),
] as const)('[RU12] Swift and the disk join %s', async (_, all, pageParts) => {
  const scenes = [await openDiskScene()]
  if (swift !== undefined) scenes.push(openS3Scene(swift, async () => {}))
  for (const scene of scenes) {
    const isDisk = scene === scenes[0]
    const sizes = isDisk ? all : all.slice(0, SWIFT_PARTS_MAX)
    const parts = sizes.map((bytes, n) => Buffer.alloc(bytes, `${n};`))
    const store = isDisk || swift === undefined ? undefined : storeIn(swift, { ticketMs: HOUR_MS, pageParts })
    const upload = new TrialUpload(scene, parts, store && { store })
    await upload.begin()
    await upload.sendAll()
    expect((await upload.store.parts(upload.ref)).map(({ n, bytes }) => [n, bytes])).toEqual(
      sizes.map((bytes, index) => [index + 1, bytes]),
    )
    await upload.complete()
    await upload.store.publish(upload.ref, upload.file)
    const got = Buffer.from(await (await upload.download('a', 'video/mp4')).arrayBuffer())
    expect(got.equals(Buffer.concat(parts))).toBe(true)
    await upload.store.removeScope(upload.file.scope)
    await scene.close()
  }
})
