import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { flipBit } from '../crash/damage-look.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { encodeExtent, PLAIN_EXTENT } from '../records/extent.ts'
import { idempotencyKey, KIND, lsnOfRecordKey, nameKey, recordKey, snapshotKey, workspaceKey } from '../records/key.ts'
import { encodeKeyEntry } from '../records/key-entry.ts'
import { encodeRecord } from '../records/record.ts'
import { openLevelStore } from '../store/level-store.ts'
import { makeStore } from '../testing/damage-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { makeTables } from '../testing/tables.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openForReading } from './open-for-reading.ts'
import { type DirectoryReport, isIntact, verifyDirectory } from './verify-directory.ts'
import { verifyStore } from './verify-store.ts'

const makeDirectory = testDirectories()
const HOLDER = fileURLToPath(new URL('../testing/store-holder.ts', import.meta.url))
const refusal = (code: LogError['code']) => expect.objectContaining({ name: 'LogError', code })

/** Every problem, as `workspace: code lsn`. */
function told(report: DirectoryReport): string[] {
  const { problems, store } = report
  const plain = [...problems, ...(store?.problems ?? [])].map(({ code }) => code)
  const ofWorkspaces = (store?.workspaces ?? []).flatMap((workspace) =>
    workspace.problems.map(({ code, lsn }) => `${workspace.workspace}: ${code} ${lsn}`),
  )
  return [...plain, ...ofWorkspaces]
}

describe('verifyDirectory', () => {
  it('[L71] leaves a table alone that a write cut short has left behind, whatever LevelDB would name the next', async () => {
    const directory = await makeTables(await makeDirectory())
    const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    const orphans = Array.from({ length: 40 }, (_, n) => `${String(n).padStart(6, '0')}.ldb`)
    const left = orphans.filter((name) => !tables.includes(name))
    for (const name of left) await writeFile(join(directory, name), 'left behind')
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
    for (const name of left) expect(await readFile(join(directory, name), 'utf8')).toBe('left behind')
  })

  it('[L70] tells of a write-ahead log that is missing or was cut after the store was closed', async () => {
    const { directory } = await makeStore(await makeDirectory(), 2, 20)
    const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const whole = await readFile(join(directory, log))
    await truncate(join(directory, log), whole.byteLength >> 1)
    expect(told(await verifyDirectory(directory))).toEqual(['file_damaged', 'store_unreadable'])
    await rm(join(directory, log))
    expect(told(await verifyDirectory(directory))).toEqual(['file_damaged', 'store_unreadable'])
    await writeFile(join(directory, log), whole)
    expect(told(await verifyDirectory(directory))).toEqual([])
  })

  it('[L72] tells of records that are damaged, missing or too old, and goes on behind them', async () => {
    const { directory } = await makeStore(await makeDirectory(), 2, 20)
    await tamper(directory, async (level) => {
      await level.del(recordKey(0, 3 as Lsn))
      await level.del(recordKey(0, 4 as Lsn))
      await level.put(recordKey(0, 6 as Lsn), Buffer.alloc(30))
      const old = encodeRecord(1, 2 as Lsn, 1_000, sampleEntry(1))
      await level.put(old.key, old.value)
    })
    const report = await verifyDirectory(directory)
    expect(told(report)).toEqual(['w0: record_missing 3', 'w0: record_damaged 6', 'w1: time_backwards 2'])
    expect(report.store?.workspaces[0]?.problems[0]?.message).toBe('records 3 to 4 are missing from workspace w0')
    expect(isIntact(report)).toBe(false)
  })

  it('[L72] tells of a lost end, of names and numbers that do not lead to each other, and of strays', async () => {
    const { directory } = await makeStore(await makeDirectory(), 4, 40)
    await tamper(directory, async (level) => {
      await level.del(recordKey(0, 15 as Lsn))
      await level.put(nameKey(1), Buffer.from('w9'))
      await level.del(workspaceKey('w2'))
      await level.put(workspaceKey('w3'), Buffer.alloc(40))
      await level.put(Buffer.from([0x7f, 1]), Buffer.alloc(1))
      for await (const key of level.keys()) if (key[0] === KIND.rollCall) await level.put(key, Buffer.alloc(8))
    })
    expect(new Set(told(await verifyDirectory(directory)))).toEqual(
      new Set(['roll_call_damaged', 'name_mismatch', 'identity_missing', 'identity_damaged', 'stray_entry']),
    )
    const other = await makeStore(await makeDirectory(), 1, 10)
    await tamper(other.directory, (level) => level.del(recordKey(0, 10 as Lsn)))
    expect(told(await verifyDirectory(other.directory))).toEqual(['w0: end_lost 9'])
  })

  it('[L79] tells of snapshots and keys that are damaged, missing or lead astray', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    for (let n = 1; n <= 30; n++) {
      await log.append(sampleEntry(n, n % 3 === 0 ? { idempotencyKey: `key ${n}` } : {})).durable
      if (n % 10 === 0) await log.snapshot({ lsn: n as Lsn, state: Buffer.from(`state ${n}`.repeat(n)) })
    }
    await store.close()
    const load = () => ({
      add: (update: Uint8Array) => {
        if (Buffer.from(update).toString().startsWith('state 10')) throw new Error('no document')
      },
      finish: () => undefined,
    })
    expect(told(await verifyDirectory(directory))).toEqual([])
    expect(told(await verifyDirectory(directory, { load }))).toEqual(['w0: not_loadable 10'])
    await tamper(directory, async (level) => {
      const value = Buffer.from((await level.get(snapshotKey(0, 20 as Lsn, 0))) ?? [])
      value[12] = (value[12] ?? 0) ^ 1
      await level.put(snapshotKey(0, 20 as Lsn, 0), value)
      await level.del(snapshotKey(0, 30 as Lsn, 0))
      await level.del(idempotencyKey(0, 'key 3'))
      await level.put(idempotencyKey(0, 'key 6'), Buffer.alloc(10))
      for (const lsn of [4, 9]) {
        const { key, value: entry } = encodeKeyEntry(0, `stray ${lsn}`, lsn as Lsn)
        await level.put(key, entry)
      }
    })
    const found = new Set(told(await verifyDirectory(directory)))
    expect(found).toEqual(
      new Set([
        'w0: snapshot_damaged 20',
        'w0: snapshot_missing 30',
        'w0: key_missing 3',
        'w0: key_damaged undefined',
        'w0: key_stray 4',
        'w0: key_stray 9',
      ]),
    )
  })

  it('[L79] tells of a segment of packed records that is damaged or missing, and of what is missing with it', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    const update = Buffer.alloc(6_000, 'wood ')
    for (let n = 1; n <= 300; n++) {
      await log.append(sampleEntry(n, { update, ...(n % 50 === 0 && { idempotencyKey: `key ${n}` }) })).durable
    }
    const { records } = await log.seal()
    expect(records).toBeGreaterThan(200)
    await store.close()
    const intact = await verifyDirectory(directory)
    expect(told(intact)).toEqual([])
    expect(intact.store?.workspaces[0]).toMatchObject({ head: 300, records: 300 })
    const firsts: number[] = []
    await tamper(directory, async (level) => {
      for await (const [key, value] of level.iterator({ gte: Buffer.from([KIND.segment]) })) {
        if (key[0] !== KIND.segment) break
        const damaged = Buffer.from(value)
        damaged[30] = (damaged[30] ?? 0) ^ 1
        if (firsts.length === 1) await level.put(key, damaged)
        firsts.push(lsnOfRecordKey(key))
      }
    })
    const [, second = 0, third = 0] = firsts
    const found = told(await verifyDirectory(directory))
    expect(found).toContain(`w0: segment_damaged ${second}`)
    expect(found).toContain(`w0: record_missing ${second}`)
    expect(third).toBeGreaterThan(second)
    expect(found.every((each) => /segment_damaged|record_missing|key_/.test(each))).toBe(true)
  })

  it('[L79] tells of segments that the extent does not reach, whose records nobody finds', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    for (let n = 1; n < 300; n++) log.append(sampleEntry(n))
    await log.append(sampleEntry(300)).durable
    await log.seal({ through: 100 as Lsn })
    await log.seal()
    await store.close()
    await tamper(directory, async (level) => {
      const { key, value } = encodeExtent(0, { ...PLAIN_EXTENT, sealedLsn: 100 as Lsn })
      await level.put(key, value)
    })
    expect(told(await verifyDirectory(directory))).toEqual(['w0: extent_damaged 101'])
  })

  it('[L79] looks at deleted workspaces like at others, and finds nothing of purged ones', async () => {
    const { directory } = await makeStore(await makeDirectory(), 3, 30)
    const store = await openLevelStore({ directory, durability: 'async' })
    await store.tombstone('w0')
    await store.tombstone('w1')
    await store.purge('w1')
    await store.close()
    const report = await verifyDirectory(directory)
    expect(told(report)).toEqual([])
    const [w0, w2, ...others] = report.store?.workspaces ?? []
    expect([w0, w2?.workspace, others]).toEqual([expect.objectContaining({ deletedAt: expect.any(Number) }), 'w2', []])
    await tamper(directory, (level) => level.del(recordKey(0, 3 as Lsn)))
    expect(told(await verifyDirectory(directory))).toEqual(['w0: record_missing 3'])
  })

  it('[L73] takes a write cut short at the end for none, and a damaged length for damage', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 200)
    const killed = await makeDirectory()
    const child = spawn(process.execPath, [HOLDER, killed, '300'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    const [log = ''] = (await readdir(killed)).filter((name) => name.endsWith('.log'))
    expect(isIntact(await verifyDirectory(killed))).toBe(true)
    await truncate(join(killed, log), 5_000)
    const cut = await verifyDirectory(killed)
    expect(told(cut)).toEqual([])
    // Byte 4 of the file is the length of its first write.
    await flipBit(directory, { file: '000003.log', bit: 4 * 8 + 3 })
    expect(told(await verifyDirectory(directory))).toContain('file_damaged')
  })

  it('[L75] tells of what is intact and can’t be loaded, and at which record', async () => {
    const { directory } = await makeStore(await makeDirectory(), 2, 20)
    const load = (workspace: string) => ({
      add: (update: Uint8Array) => {
        if (Buffer.from(update).toString() === 'update 6') throw new Error('no document')
      },
      finish: () => {
        if (workspace === 'w1') throw new Error('not complete')
      },
    })
    expect(told(await verifyDirectory(directory, { load }))).toEqual(['w0: not_loadable 4', 'w1: not_loadable 5'])
  })

  it('[L76] rejects with the reason when it is aborted, and cleans up', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 5_000)
    const abort = new AbortController()
    // A folder of its own: other tests make reading copies, too.
    vi.stubEnv('TMPDIR', await makeDirectory())
    onTestFinished(() => void vi.unstubAllEnvs())
    const onProgress = () => abort.abort(new Error('enough'))
    await expect(verifyDirectory(directory, { onProgress, signal: abort.signal })).rejects.toThrow('enough')
    expect(await readdir(tmpdir())).toEqual([])
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
  })

  it('[L77] looks no further than the files when a table is damaged, and says so', async () => {
    const directory = await makeTables(await makeDirectory())
    const [table = ''] = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    await flipBit(directory, { file: table, bit: 8_000 })
    const report = await verifyDirectory(directory)
    expect(told(report)).toEqual(['file_damaged', 'not_looked_at'])
    expect(report.problems[0]).toMatchObject({ file: table })
    await rm(join(directory, table))
    expect(told(await verifyDirectory(directory))).toEqual(['file_damaged', 'not_looked_at'])
  })

  it('[L78] says locked when another process has the directory, and unreadable when no log is there', async () => {
    const directory = await makeDirectory()
    await expect(verifyDirectory(directory)).rejects.toEqual(refusal('unreadable'))
    expect(await readdir(directory)).toEqual([])
    const child = spawn(process.execPath, [HOLDER, directory, '10'], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    await expect(verifyDirectory(directory)).rejects.toEqual(refusal('locked'))
  })

  it('[L78] keeps other processes out while it reads', async () => {
    const { directory } = await makeStore(await makeDirectory(), 1, 10)
    const reading = await openForReading(directory)
    const child = spawn(process.execPath, [HOLDER, directory, '10'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [code] = await once(child, 'close')
    expect(code).toBe(3)
    await reading.close()
    await (await openLevelStore({ directory, durability: 'async' })).close()
  })
})

describe('verifyStore', () => {
  it('[L74] judges the store as of its start while appends go on', async () => {
    const directory = await makeDirectory()
    await makeStore(directory, 2, 3_000)
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('w0')
    const { head } = log
    let appended = 0
    const onProgress = (): void => {
      log.append(sampleEntry(appended++))
    }
    const report = await verifyStore(store, { onProgress })
    expect(appended).toBeGreaterThan(1)
    expect(report.problems).toEqual([])
    expect(report.workspaces[0]).toMatchObject({ workspace: 'w0', head, problemCount: 0 })
    await store.close()
  })
})
