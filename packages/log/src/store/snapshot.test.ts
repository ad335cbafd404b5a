import { describe, expect, it } from 'vitest'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { extentKey, KIND, lsnOfRecordKey, recordKey, snapshotKey, snapshotKeyRange } from '../records/key.ts'
import { decodeSnapshot } from '../records/packed-snapshot.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const STATE_BYTES = 40_000

/** Bytes that can't be compressed, the same for the same seed. All but the last few are the same for every `n`. */
function stateAt(n: number): Buffer {
  let state = 1
  const bytes = Buffer.from(
    Uint8Array.from({ length: STATE_BYTES }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }),
  )
  return Buffer.concat([bytes, Buffer.from(`state ${n}`)])
}

/** A closed store of one workspace with `snapshots` snapshots, each two records after the one before. */
async function makeSnapshots(snapshots: number): Promise<string> {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('w0')
  for (let n = 1; n <= snapshots; n++) {
    log.append(sampleEntry(2 * n - 1))
    await log.append(sampleEntry(2 * n)).durable
    await log.snapshot({ lsn: (2 * n) as Lsn, state: stateAt(n) })
  }
  await store.close()
  return directory
}

describe('snapshots on disk', () => {
  it('[L34] parts without the extent that points to them do not count, and the next snapshot sweeps them', async () => {
    const directory = await makeSnapshots(2)
    await tamper(directory, async (level) => {
      // As a snapshot at 6, say, that was killed before its last batch.
      for (const part of [1, 2]) await level.put(snapshotKey(0, 6 as Lsn, part), Buffer.alloc(100))
    })
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    for (let n = 5; n <= 8; n++) await log.append(sampleEntry(n)).durable
    expect([log.snapshotLsn, (await log.latestSnapshot())?.lsn]).toEqual([4, 4])
    await log.snapshot({ lsn: 8 as Lsn, state: stateAt(4) })
    expect(Buffer.from((await log.latestSnapshot())?.state ?? [])).toEqual(stateAt(4))
    await store.close()
    const lsns = new Set<number>()
    await tamper(directory, async (level) => {
      for await (const key of level.keys(snapshotKeyRange(0))) lsns.add(lsnOfRecordKey(key))
    })
    expect([...lsns]).toEqual([2, 4, 8])
  })

  it('[L35] a damaged snapshot is told to the observer and the one before it stands in; opening reads none', async () => {
    const directory = await makeSnapshots(3)
    await tamper(directory, async (level) => {
      const key = snapshotKey(0, 6 as Lsn, 0)
      const value = Buffer.from((await level.get(key)) ?? [])
      value[15] = (value[15] ?? 0) ^ 1
      await level.put(key, value)
    })
    const told: LogError[] = []
    const observer = { damaged: (error: LogError) => void told.push(error) }
    const store = await openLevelStore({ directory, durability: 'async', observer })
    const log = await store.open('w0')
    expect([log.snapshotLsn, told]).toEqual([6, []])
    const found = await log.latestSnapshot()
    expect([found?.lsn, Buffer.from(found?.state ?? [])]).toEqual([4, stateAt(2)])
    expect(told.map(({ code, message }) => [code, message.includes('the snapshot at 6 of workspace w0')])).toEqual([
      ['corrupted', true],
    ])
    await store.close()
  })

  it('[L36] a snapshot is stored as what is different from the one before it, at most 16 in a row', async () => {
    const directory = await makeSnapshots(20)
    const depths: number[] = []
    let bytes = 0
    await tamper(directory, async (level) => {
      for await (const [key, value] of level.iterator(snapshotKeyRange(0))) {
        const packed = await decodeSnapshot('w0', 0, lsnOfRecordKey(key), [value])
        depths.push(packed.base?.depth ?? 0)
        bytes += value.byteLength
      }
    })
    expect(depths).toEqual([...Array.from({ length: 17 }, (_, n) => n), 0, 1, 2])
    expect(bytes).toBeLessThan(3 * STATE_BYTES)
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    for (const n of [1, 17, 18, 20]) {
      const found = await log.latestSnapshot({ atOrBefore: (2 * n) as Lsn })
      expect(Buffer.from(found?.state ?? [])).toEqual(stateAt(n))
    }
    await store.close()
  })

  it('[L37] a workspace that has a snapshot beyond its last record is corrupted', async () => {
    const directory = await makeSnapshots(2)
    await tamper(directory, async (level) => {
      await level.del(recordKey(0, 4 as Lsn))
      for await (const key of level.keys()) if (key[0] === KIND.rollCall) await level.del(key)
      expect(await level.get(extentKey(0))).toBeDefined()
    })
    const store = await openLevelStore({ directory, durability: 'async' })
    await expect(store.open('w0')).rejects.toMatchObject({ code: 'corrupted', workspace: 'w0' })
    await store.close()
  })

  it('[L37] a workspace that has sealed records beyond its last record is corrupted', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    for (let n = 1; n <= 300; n++) log.append(sampleEntry(n))
    await log.append(sampleEntry(301)).durable
    await log.seal()
    await store.close()
    await tamper(directory, async (level) => {
      for await (const key of level.keys()) if (key[0] === KIND.record || key[0] === KIND.rollCall) await level.del(key)
    })
    const again = await openLevelStore({ directory, durability: 'async' })
    await expect(again.open('w0')).rejects.toMatchObject({ code: 'corrupted', workspace: 'w0' })
    await again.close()
  })
})
