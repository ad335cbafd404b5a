import { describe, expect, it } from 'vitest'
import { lookAtFlipped } from '../crash/damage-look.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { KIND, nameKey, recordKey, workspaceKey } from '../records/key.ts'
import { makeStore } from '../testing/damage-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
const code = (expected: LogError['code'], message: string) =>
  expect.objectContaining({ name: 'LogError', code: expected, message: expect.stringContaining(message) })

describe('damage', () => {
  it('[L16] a bit flipped in a stored record throws corrupted there, after the records before it', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 5)
    await tamper(directory, async (level) => {
      const key = recordKey(0, 3 as Lsn)
      const value = Buffer.from((await level.get(key)) ?? [])
      value[20] = (value[20] ?? 0) ^ 4
      await level.put(key, value)
    })
    const store = await open(directory)
    const log = await store.open('w0')
    const seen: number[] = []
    const read = async () => {
      for await (const { lsn } of log.read()) seen.push(lsn)
    }
    await expect(read()).rejects.toEqual(code('corrupted', 'record 3 of workspace w0'))
    expect(seen).toEqual([1, 2])
    expect(await readAll(log, { after: 3 as Lsn })).toHaveLength(2)
    await store.close()
  })

  it('[L16] a damaged head or identity throws corrupted at open', async () => {
    const { directory } = await makeStore(await makeDirectory(), 2, 10)
    await tamper(directory, async (level) => {
      await level.put(recordKey(0, 8 as Lsn), Buffer.alloc(30))
      await level.put(workspaceKey('w1'), Buffer.alloc(30))
    })
    const store = await open(directory)
    await expect(store.open('w0')).rejects.toEqual(code('corrupted', 'record 8 of workspace w0'))
    await expect(store.open('w1')).rejects.toEqual(code('corrupted', 'identity of workspace w1'))
    await store.close()
  })

  it('[L17] a missing record throws corrupted where it should be', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 5)
    await tamper(directory, (level) => level.del(recordKey(0, 4 as Lsn)))
    const store = await open(directory)
    const log = await store.open('w0')
    await expect(readAll(log)).rejects.toEqual(code('corrupted', 'record 4 of workspace w0 is missing'))
    expect(await readAll(log, { through: 3 as Lsn })).toHaveLength(3)
    await expect(readAll(log, { after: 3 as Lsn })).rejects.toEqual(code('corrupted', 'record 4'))
    await store.close()
  })

  it('[L29] a workspace that has lost its end throws corrupted at open', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 5)
    await tamper(directory, (level) => level.del(recordKey(0, 5 as Lsn)))
    const store = await open(directory)
    await expect(store.open('w0')).rejects.toEqual(code('corrupted', 'ends at record 4 and had reached 5'))
    await store.close()
  })

  it('[L29] no unknown workspace opens while one has lost its name', async () => {
    const { directory } = await makeStore(await makeDirectory(), 2, 10)
    await tamper(directory, async (level) => {
      await level.del(workspaceKey('w1'))
      await level.del(nameKey(1))
    })
    const store = await open(directory)
    await expect(store.open('w1')).rejects.toEqual(code('corrupted', 'number 1'))
    expect((await store.open('w0')).head).toBe(8)
    await store.close()
  })

  it('[L29] a number is never given twice, even when its name is lost', async () => {
    const { directory } = await makeStore(await makeDirectory(), 3, 30)
    await tamper(directory, async (level) => {
      for await (const key of level.keys()) if (key[0] === KIND.rollCall) await level.del(key)
      await level.del(workspaceKey('w2'))
      await level.del(nameKey(2))
    })
    const store = await open(directory)
    const log = await store.open('new')
    await log.append(sampleEntry(1)).durable
    expect((await readAll(log)).map(({ lsn }) => lsn)).toEqual([1])
    await store.close()
    await tamper(directory, async (level) => {
      expect(Buffer.from((await level.get(nameKey(3))) ?? []).toString()).toBe('new')
    })
  })

  it('[L29] a bit flipped before a group larger than a block is noticed (seed 906001292)', async () => {
    const { directory, contents } = await makeStore(await makeDirectory(), 6, 1_500, Number.POSITIVE_INFINITY)
    const seen = await lookAtFlipped(directory, Object.keys(contents), { file: '000003.log', bit: 464 })
    expect(seen).toEqual(Object.fromEntries(Object.keys(contents).map((name) => [name, 'corrupted'])))
  })
})
