import { CreateBucketCommand } from '@aws-sdk/client-s3'
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

/** Says in one line why tests with Swift are skipped; `.ci/swift.sh` unpacks it. */
export const SWIFT_WANT = 'OpenStack Swift: set SWIFT_ROOT to what .ci/swift.sh prints'
