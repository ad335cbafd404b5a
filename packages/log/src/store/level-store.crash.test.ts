import { describe, expect, it } from 'vitest'
import { appendUntil, expectAll } from '../crash/crash-child.ts'
import { testDirectories } from '../testing/test-directory.ts'

const makeDirectory = testDirectories()
const ROUNDS = process.env.JOINERY_NIGHTLY === undefined ? 10 : 200

describe('crash', () => {
  for (const durability of ['async', 'sync'] as const) {
    it(`[L14, L67] nothing acknowledged at ${durability} is lost when the process is killed, ${ROUNDS} times over`, async () => {
      const directory = await makeDirectory()
      let recordsBefore = 0
      for (let round = 0; round < ROUNDS; round++) {
        let left = 50 + (round % 50) * 37
        const acknowledged = await appendUntil(directory, durability, () => --left === 0)
        expect(acknowledged.size).toBeGreaterThanOrEqual(5)
        const records = await expectAll(directory, durability, acknowledged)
        expect(records).toBeGreaterThan(recordsBefore)
        recordsBefore = records
      }
    })
  }
})
