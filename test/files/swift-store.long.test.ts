import { describe, it } from 'vitest'
import { swiftRoot } from '../support/swift-server.ts'
import { openS3Scene } from './s3-scene.ts'
import { describeStore } from './store-suite.ts'
import { openSwiftBucket, skipForSwift } from './swift-bucket.ts'

if (swiftRoot() === undefined) {
  describe('Swift', () => {
    it('[RU1] Swift keeps the contract', (context) => skipForSwift(context))
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
