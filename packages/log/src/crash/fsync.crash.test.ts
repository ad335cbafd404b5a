import { execFile } from 'node:child_process'
import { appendFile, cp, readdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleUpdate } from '../testing/sample-update.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { needTracing } from './storage-calls.ts'

const makeDirectory = testDirectories()
const run = promisify(execFile)
const door = fileURLToPath(new URL('../index.ts', import.meta.url))

/** A program that appends to 20 workspaces in each of `turns` turns, and prints each state of the store. */
const appendInTurns = (directory: string, durability: string, turns: number, windowMs: number, bytes: number) => `
  const { openLevelStore } = await import(${JSON.stringify(door)})
  const store = await openLevelStore({
    directory: ${JSON.stringify(directory)}, durability: '${durability}', windowMs: ${windowMs},
  })
  store.onStateChange(({ state, error }) => console.log(error?.code ?? state))
  const logs = await Promise.all(Array.from({ length: 20 }, (_, n) => store.open('w' + n)))
  const update = new Uint8Array(${bytes}).map((_, n) => Math.imul(n, n) >> 5)
  for (let turn = 0; turn < ${turns}; turn++) {
    let durable
    for (const log of logs) {
      durable = log.append({ update, actor: 'a', source: 's', connection: 'c', touched: [] }).durable
    }
    await durable
  }
  await store.close()`

async function trace(options: readonly string[], program: string): Promise<{ calls: string[]; output: string }> {
  const traced = join(await makeDirectory(), 'calls')
  const node = [process.execPath, '--input-type=module', '-e', program]
  const { stdout } = await run('strace', ['-f', '-qq', '-y', '-o', traced, ...options, ...node])
  return { calls: (await readFile(traced, 'utf8')).split('\n').filter((line) => line !== ''), output: stdout }
}

const logSyncs = (calls: readonly string[]) => calls.filter((call) => /fdatasync\(\d+<[^>]*\.log>/.test(call))

describe('fsync', () => {
  it('[L4, L5] sync makes one fsync for each turn, whatever the number of workspaces', async (context) => {
    await needTracing(context)
    const turns = 50
    const program = appendInTurns(await makeDirectory(), 'sync', turns, 10, 30)
    const { calls } = await trace(['-e', 'trace=fdatasync'], program)
    // One fsync for the identity record, one for each turn, two for the roll call of close.
    expect(logSyncs(calls)).toHaveLength(1 + turns + 2)
  })

  it('[L13] async has fsynced all that is in a write-ahead log when LevelDB leaves it for a newer one', async (context) => {
    await needTracing(context)
    // No window ends meanwhile: every fsync between the first and the last is for a log that LevelDB leaves.
    const program = appendInTurns(await makeDirectory(), 'async', 100, 600_000, 15_000)
    const { calls } = await trace(['-e', 'trace=fdatasync,openat,write'], program)
    const ofLogs = calls.filter((call) => /^\d+ +(write|fdatasync)\(\d+<[^>]*\.log>|\.log", .*O_CREAT/.test(call))
    const left = ofLogs.flatMap((call, n) => (n > 0 && call.includes('O_CREAT') ? [ofLogs[n - 1]] : []))
    expect(left.length).toBeGreaterThan(0)
    for (const last of left) expect(last).toMatch(/^\d+ +fdatasync\(/)
    expect(logSyncs(calls).length).toBeLessThan(100)
  })

  for (const when of [10, 25, 40]) {
    it(`[L23, L24, L26] an fsync that fails with EIO (the ${when}th of a thread) is storage_failed, and nothing is lost`, async (context) => {
      await needTracing(context)
      const directory = await makeDirectory()
      const inject = ['-e', 'trace=fdatasync', '-e', `inject=fdatasync:error=EIO:when=${when}`]
      const { calls, output } = await trace(inject, appendInTurns(directory, 'sync', 200, 10, 30))
      expect(calls.some((call) => call.includes('EIO'))).toBe(true)
      // Each thread counts for itself: recovery may meet the error again.
      expect(output).toMatch(/^((storage_failed\n)+open\n)+closed\n$/)
      const store = await openLevelStore({ directory, durability: 'sync' })
      for (let n = 0; n < 20; n++) expect(await readAll(await store.open(`w${n}`))).toHaveLength(200)
      await store.close()
    })
  }

  it('[L14] whatever the disk kept of what was not fsynced, everything that was is there', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'sync' })
    const log = await store.open('w')
    const [name] = (await readdir(directory)).filter((file) => file.endsWith('.log'))
    const walBytes = async () => (await stat(join(directory, name ?? ''))).size
    /** Bytes of the write-ahead log at the time when each record was acknowledged. */
    const fsynced: number[] = []
    for (let lsn = 1; lsn <= 200; lsn++) {
      await log.append({ update: sampleUpdate('w', lsn), actor: 'a', source: 's', connection: 'c', touched: [] })
        .durable
      fsynced.push(await walBytes())
    }
    const image = await makeDirectory()
    await cp(directory, image, { recursive: true })
    await store.close()
    const tails = fc.oneof(
      fc.constant(new Uint8Array(0)),
      fc.nat({ max: 40_000 }).map((bytes) => new Uint8Array(bytes)),
      fc.uint8Array({ maxLength: 5_000 }),
    )
    const from = fsynced[20] ?? 0
    const lengths = fc.integer({ min: from, max: fsynced.at(-1) ?? from })
    await fc.assert(
      fc.asyncProperty(lengths, tails, async (length, tail) => {
        const copy = join(await makeDirectory(), 'copy')
        await cp(image, copy, { recursive: true })
        await truncate(join(copy, name ?? ''), length)
        await appendFile(join(copy, name ?? ''), tail)
        const again = await openLevelStore({ directory: copy, durability: 'sync' })
        const records = await readAll(await again.open('w'))
        await again.close()
        expect(records.length).toBeGreaterThanOrEqual(fsynced.filter((bytes) => bytes <= length).length)
        for (const { lsn, update } of records) expect(Buffer.compare(update, sampleUpdate('w', lsn))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
