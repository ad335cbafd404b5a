import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorkspace, uploadsOf } from '@joinery/client'
import { expect, it } from 'vitest'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { swiftRoot } from '../support/swift-server.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { type Bucket, keysIn, lookAt } from './s3-scene.ts'
import { openSwiftBucket, skipForSwift } from './swift-bucket.ts'

/** Starts a server whose files are in a bucket. */
async function serveFilesIn(directory: string, bucket: Bucket): Promise<JoineryProcess> {
  const { endpoint, bucket: name, accessKeyId, secretAccessKey } = bucket
  const names = { accessKeyId: 's3_id', secretAccessKey: 's3_key' }
  const files = { kind: 's3', endpoint, bucket: name, region: 'us-east-1', prefix: 'joinery/', ...names }
  const resources = join(directory, 'resources.json')
  await writeFile(resources, JSON.stringify({ files }))
  const secrets = { JOINERY_SECRET_S3_ID: accessKeyId, JOINERY_SECRET_S3_KEY: secretAccessKey }
  return startJoinery({ directory: join(directory, 'data'), env: { JOINERY_RESOURCES: resources, ...secrets } })
}

it('[A114] the policy of the page allows the store of files, for requests and for images', async () => {
  await using directory = await tempDirectory()
  const bucket = { endpoint: 'https://s3.example:9000/base', bucket: 'files', accessKeyId: 'i', secretAccessKey: 'k' }
  await using server = await serveFilesIn(directory.path, bucket)
  const page = await fetch(`http://127.0.0.1:${server.port}/w/demo`)
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([
    200,
    expect.stringMatching(
      /; img-src 'self' data: https:\/\/s3\.example:9000; connect-src 'self' https:\/\/s3\.example:9000;/,
    ),
  ])
})

it('[A114, A115] uploads of a server go to a bucket of Swift, and are counted', async (context) => {
  if (swiftRoot() === undefined) return skipForSwift(context)
  const bucket = await openSwiftBucket()
  try {
    await using directory = await tempDirectory()
    await using server = await serveFilesIn(directory.path, bucket)
    const workspace = connectWorkspace({ url: server.url, workspace: 'files', actor: 'ada' })
    try {
      await workspace.whenSynced
      const { id: block } = workspace.blocks.create({ type: 'text' })
      await workspace.whenDurable()
      const content = new Uint8Array(Buffer.from('in a bucket'))
      const upload = uploadsOf(workspace).upload(block, new Blob([content]), { name: 'a.txt' })
      expect(await upload.finished).toMatchObject({ state: 'synced' })
      const { url } = await uploadsOf(workspace).download(block, 'a.txt')
      expect(new URL(url).origin).toBe(bucket.endpoint)
      expect(new Uint8Array(await (await fetch(url)).arrayBuffer())).toEqual(content)
      const client = lookAt(bucket)
      const digest = createHash('sha256').update(content).digest('hex')
      expect(await keysIn(client, bucket)).toEqual([expect.stringMatching(`^joinery/.*/${digest}$`)])
      client.destroy()
      const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
      expect(metrics).toContain(`joinery_upload_bytes_total ${content.length}\n`)
      expect(metrics).toContain('joinery_uploads_total{outcome="synced"} 1\n')
    } finally {
      await workspace.close()
    }
  } finally {
    await bucket.close()
  }
})
