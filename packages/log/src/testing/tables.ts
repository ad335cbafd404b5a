import { openLevelStore } from '../store/level-store.ts'
import { sampleEntry } from './sample-entry.ts'

const RECORDS = 100
const UPDATE_BYTES = 64 * 1024

/**
 * Makes a store whose data stands in tables: more bytes than LevelDB keeps in its write-ahead log, and not
 * compressible.
 */
export async function makeTables(directory: string): Promise<string> {
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('w0')
  let state = 1
  for (let n = 0; n < RECORDS; n++) {
    const update = Uint8Array.from({ length: UPDATE_BYTES }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    })
    await log.append(sampleEntry(n, { update })).durable
  }
  await store.close()
  return directory
}
