import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { archiveOf, makeRichStore, once } from '../testing/rich-store.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { readArchive } from './read-archive.ts'

const makeDirectory = testDirectories()
const FLIPS = process.env.JOINERY_NIGHTLY === undefined ? 300 : 20_000

describe('an archive', () => {
  it('[L83] with any one bit flipped is refused', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store)
    await store.close()
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(archive)
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const read = async () => {
          for await (const _ of readArchive(once(damaged)));
        }
        await expect(read()).rejects.toEqual(
          expect.objectContaining({ code: 'corrupted', message: expect.stringContaining('at byte') }),
        )
      }),
      { numRuns: FLIPS },
    )
  })
})
