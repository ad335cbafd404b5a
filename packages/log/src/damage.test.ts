import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Flip, lookAtFlipped, type Sight } from './damage-look.ts'
import { KIND, nameKey, recordKey, workspaceKey } from './key.ts'
import { openLevelStore } from './level-store.ts'
import type { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import { testDirectories } from './test-directory.ts'
import { readAll, sampleEntry } from './testing.ts'

const makeDirectory = testDirectories()
const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
type Contents = Record<string, string[]>

/** A cleanly closed store of several workspaces, whose records go round and round, and what stands in it. */
async function madeStore(
  workspaces: number,
  records: number,
  perGroup = 40,
): Promise<{ directory: string; contents: Contents }> {
  const directory = await makeDirectory()
  const store = await open(directory)
  const contents: Contents = {}
  const logs = await Promise.all(Array.from({ length: workspaces }, (_, n) => store.open(`w${n}`)))
  for (let n = 0; n < records; n++) {
    // Some fall silent before the others: only of these can the end get lost without a gap.
    const log = logs[n % (n < records / 2 ? logs.length : Math.ceil(logs.length / 2))]
    if (log === undefined) throw new Error('no log')
    const { durable } = log.append(sampleEntry(n))
    if (n % perGroup === perGroup - 1) await durable
    contents[log.workspace] = [...(contents[log.workspace] ?? []), `update ${n}`]
  }
  await store.close()
  return { directory, contents }
}

/** Works on the database as another hand would. */
async function tamper(directory: string, work: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>) {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open({ createIfMissing: false })
  await work(level)
  await level.close()
}

const code = (expected: LogError['code'], message: string) =>
  expect.objectContaining({ name: 'LogError', code: expected, message: expect.stringContaining(message) })

describe('damage', () => {
  it('[L16] a bit flipped in a stored record throws corrupted there, after the records before it', async () => {
    const { directory } = await madeStore(1, 5)
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
    const { directory } = await madeStore(2, 10)
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
    const { directory } = await madeStore(1, 5)
    await tamper(directory, (level) => level.del(recordKey(0, 4 as Lsn)))
    const store = await open(directory)
    const log = await store.open('w0')
    await expect(readAll(log)).rejects.toEqual(code('corrupted', 'record 4 of workspace w0 is missing'))
    expect(await readAll(log, { through: 3 as Lsn })).toHaveLength(3)
    await expect(readAll(log, { after: 3 as Lsn })).rejects.toEqual(code('corrupted', 'record 4'))
    await store.close()
  })

  it('[L29] a workspace that has lost its end throws corrupted at open', async () => {
    const { directory } = await madeStore(1, 5)
    await tamper(directory, (level) => level.del(recordKey(0, 5 as Lsn)))
    const store = await open(directory)
    await expect(store.open('w0')).rejects.toEqual(code('corrupted', 'ends at record 4, but had reached 5'))
    await store.close()
  })

  it('[L29] no unknown workspace opens while one has lost its name', async () => {
    const { directory } = await madeStore(2, 10)
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
    const { directory } = await madeStore(3, 30)
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
    const { directory, contents } = await madeStore(6, 1_500, Number.POSITIVE_INFINITY)
    const seen = await lookAtFlipped(directory, Object.keys(contents), { file: '000003.log', bit: 464 })
    expect(seen).toEqual(Object.fromEntries(Object.keys(contents).map((name) => [name, 'corrupted'])))
  })

  it('[L29] any one bit flipped in the files of a closed store is noticed or harmless', {
    timeout: 60_000,
  }, async () => {
    const { directory, contents } = await madeStore(6, 1_500)
    const files = (await readdir(directory)).filter((name) => /^(\d+\.log|MANIFEST-\d+|CURRENT|JOINERY)$/.test(name))
    expect(files).toHaveLength(4)
    let noticed = 0
    // The write-ahead log is where everything is: it gets most of the flips.
    const logs = fc.constantFrom(...files.filter((name) => name.endsWith('.log')))
    const file = fc.oneof({ weight: 9, arbitrary: logs }, fc.constantFrom(...files))
    await fc.assert(
      fc.asyncProperty(fc.record({ file, bit: fc.nat() }), async (flip) => {
        const seen = await lookAtFlipped(directory, Object.keys(contents), flip)
        for (const [workspace, updates] of Object.entries(contents)) {
          if (typeof seen[workspace] === 'string') noticed++
          else expect(seen[workspace], workspace).toEqual(updates)
        }
      }),
      { numRuns: 60 },
    )
    expect(noticed).toBeGreaterThan(0)
  })

  it('[L29] any one bit flipped in a table is noticed or harmless, or LevelDB aborts', {
    timeout: 60_000,
  }, async () => {
    const { directory, contents } = await madeStore(6, 1_500)
    // The next open makes a table of the write-ahead log.
    await (await open(directory)).close()
    const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    const seed = Date.now() % 2 ** 31
    const flips = fc.sample(fc.record({ file: fc.constantFrom(...tables), bit: fc.nat() }), { seed, numRuns: 60 })
    for (let done = 0; done < flips.length; ) {
      const { sights, hasAborted } = await lookFromOutside(directory, Object.keys(contents), flips.slice(done))
      for (const [n, seen] of sights.entries()) {
        for (const [workspace, updates] of Object.entries(contents)) {
          if (typeof seen[workspace] === 'string') continue
          expect(seen[workspace], `${workspace}, seed ${seed}, flip ${done + n}`).toEqual(updates)
        }
      }
      expect(sights.length + Number(hasAborted)).toBeGreaterThan(0)
      done += sights.length + Number(hasAborted)
    }
  })
})

/** Looks in a process of its own, up to the first flip that LevelDB aborts at. */
async function lookFromOutside(directory: string, names: readonly string[], flips: readonly Flip[]) {
  const program = fileURLToPath(new URL('./damage-look.ts', import.meta.url))
  const child = spawn(process.execPath, [program, directory, JSON.stringify(names), JSON.stringify(flips)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, complaint, [exitCode, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ])
  const hasAborted = signal === 'SIGABRT' && /Assertion .* failed/.test(complaint)
  if (!hasAborted) expect([exitCode, complaint]).toEqual([0, ''])
  const sights = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sight)
  return { sights, hasAborted }
}
