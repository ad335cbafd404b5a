import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Lsn } from '../lsn.ts'
import { recordKey } from '../records/key.ts'
import type { Write } from '../records/write.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { Database } from './database.ts'
import { LogEnd } from './log-end.ts'

const makeDirectory = testDirectories()
const put = (lsn: number, bytes: number): Write => ({
  type: 'put',
  key: recordKey(1, lsn as Lsn),
  value: new Uint8Array(bytes),
})

describe('log end', () => {
  // Values that fill LevelDB's blocks of 4 KiB badly, and those whose entries weigh more than themselves.
  it.each([0, 30, 700, 1_000, 1_040, 2_050, 3_000, 150_000])(
    '[L13] LevelDB stays with its log as long as the end is not near, writing %i bytes at a time',
    async (bytes) => {
      const directory = await makeDirectory()
      const database = await Database.open(directory)
      const logs = async () => (await readdir(directory)).filter((name) => name.endsWith('.log'))
      const [log] = await logs()
      const perBatch = Math.ceil(50_000 / (bytes + 50))
      let lsn = 0
      for (;;) {
        const batch = Array.from({ length: perBatch }, () => put(++lsn, bytes))
        if (database.logEnd.isNear(batch)) break
        await database.write(batch, false)
        expect(await logs()).toEqual([log])
      }
      // One more write, which is fsynced: LevelDB may leave the log with the next.
      await database.writeThrough([put(++lsn, bytes)])
      expect(await logs()).toEqual([log])
      expect(lsn * (bytes + 10 + 128)).toBeGreaterThan(2 * 1024 * 1024)
      await database.close()
    },
  )

  it('[L13] the end is near from so many bytes on, and no longer near once the log was left', () => {
    const end = new LogEnd()
    const batch = [put(1, 2 * 1024 * 1024)]
    end.wrote(batch)
    end.looked(false)
    end.wrote(batch)
    expect([end.isNear([]), end.isNear(batch)]).toEqual([false, true])
    end.looked(true)
    // Everything written since the last look may stand in the new log.
    expect([end.isNear(batch), end.isNear([...batch, ...batch])]).toEqual([false, true])
  })

  it('[L13] the end is near as long as anybody makes LevelDB leave its log', () => {
    const end = new LogEnd()
    const [first, second] = [end.beNear(), end.beNear()]
    first()
    expect(end.isNear([])).toBe(true)
    second()
    expect(end.isNear([])).toBe(false)
  })
})
