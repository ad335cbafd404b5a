import { CreateBucketCommand } from '@aws-sdk/client-s3'
import type { TestContext } from 'vitest'
import { SWIFT_KEYS, SwiftServer, swiftRoot } from '../support/swift-server.ts'
import { type Bucket, lookAt } from './s3-scene.ts'

/** A Swift with one bucket. */
export interface SwiftBucket extends Bucket {
  close(): Promise<void>
}

/** Starts Swift. Rejects where it is not unpacked; see {@link swiftRoot}. */
export async function openSwiftBucket(name = 'files'): Promise<SwiftBucket> {
  const root = swiftRoot()
  if (root === undefined) throw new Error('SWIFT_ROOT names no unpacked Swift')
  const server = await SwiftServer.start(root)
  const bucket: Bucket = { endpoint: server.endpoint, bucket: name, ...SWIFT_KEYS }
  const client = lookAt(bucket)
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  return { ...bucket, close: () => server.stop() }
}

/** Skips a test where Swift is not unpacked, and says so: Debian alone has it. */
export function skipForSwift(context: TestContext): never {
  const why = 'needs OpenStack Swift: set SWIFT_ROOT to the path that .ci/swift.sh prints'
  console.warn(`SKIPPED: ${why}`)
  context.skip(why)
}
