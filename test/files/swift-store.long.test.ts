import { describe, it } from 'vitest'
import { skipForWant } from '../support/skip-for-want.ts'
import { swiftRoot } from '../support/swift-server.ts'
import { openS3Scene } from './s3-scene.ts'
import { describeStore } from './store-suite.ts'
import { openSwiftBucket, SWIFT_WANT } from './swift-bucket.ts'

if (swiftRoot() === undefined) {
  describe('Swift', () => {
    it('[RU1] Swift keeps the contract', (context) => skipForWant(context, SWIFT_WANT, 'it is not set'))
  })
} else {
  describeStore({
    name: 'Swift',
    open: async () => {
      const bucket = await openSwiftBucket()
      return openS3Scene(bucket, bucket.close)
    },
  })
}
