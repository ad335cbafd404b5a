import { afterAll, beforeAll, describe, it } from 'vitest'
import { swiftRoot } from '../support/swift-server.ts'
import { describeOddAnswers } from './odd-answers.ts'
import { openS3Scene } from './s3-scene.ts'
import { CANNOT } from './store-lacks.ts'
import { describeStore } from './store-suite.ts'
import { openSwiftBucket, type SwiftBucket, skipForSwift } from './swift-bucket.ts'

let swift: SwiftBucket | undefined
const bucket = (): SwiftBucket => {
  if (swift === undefined) throw new Error('Swift is not open')
  return swift
}

if (swiftRoot() === undefined) {
  describe('Swift', () => {
    it('[RU1] Swift keeps the contract', (context) => skipForSwift(context))
  })
} else {
  beforeAll(async () => {
    swift = await openSwiftBucket()
  })
  afterAll(() => swift?.close())
  describeStore({ name: 'Swift', open: async () => openS3Scene(bucket(), async () => {}), cannot: CANNOT.Swift })
  describeOddAnswers(bucket)
}
