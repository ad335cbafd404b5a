import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, type TestContext } from 'vitest'
import { type Clock, systemClock } from '../clock.ts'
import { openLevelStore } from '../store/level-store.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { appendUntil, expectAll } from './crash-child.ts'

const makeDirectory = testDirectories()
const run = promisify(execFile)

/** Mounts a small disk of its own. Skips the test, with the reason, where mounting is not allowed. */
async function smallDisk(context: TestContext, size: string): Promise<string> {
  const mountPoint = await makeDirectory()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mountPoint])
  } catch (error) {
    const why = `needs to mount a tmpfs, which is not allowed here: ${String(error)}`
    console.warn(`SKIPPED: ${why}`)
    context.skip(why)
  }
  context.onTestFinished(async () => {
    await run('umount', [mountPoint])
  })
  return mountPoint
}

async function fillUp(disk: string): Promise<string> {
  const filler = join(disk, 'filler')
  const { bsize, bavail } = await statfs(disk)
  await writeFile(filler, Buffer.alloc(bsize * bavail))
  return filler
}

describe('disk full', () => {
  for (const [durability, size] of [
    ['sync', '3m'],
    ['async', '4m'],
    ['sync', '5m'],
  ] as const) {
    it(`[L23, L24, L26, L67] nothing acknowledged at ${durability} is lost when a disk of ${size} fills, is freed and the process killed`, async (context) => {
      const disk = await smallDisk(context, size)
      const directory = join(disk, 'data')
      const filler = join(disk, 'filler')
      await writeFile(filler, Buffer.alloc(2 * 1024 * 1024))
      const states: string[] = []
      let left = 300
      const acknowledged = await appendUntil(directory, durability, async (line) => {
        if ('state' in line) {
          states.push(line.state)
          if (states.length === 1) await rm(filler)
          return false
        }
        return states.includes('open') && --left === 0
      })
      // A retry before the disk was freed says once more that it is full.
      expect(new Set(states.slice(0, states.indexOf('open')))).toEqual(new Set(['storage_full']))
      await expectAll(directory, durability, acknowledged)
    })
  }

  it('[L24, L67] a process that is killed while the disk is full leaves every turn whole or not at all', async (context) => {
    for (const durability of ['async', 'sync'] as const) {
      const disk = await smallDisk(context, '4m')
      const directory = join(disk, 'data')
      const filler = join(disk, 'filler')
      await writeFile(filler, Buffer.alloc(1024 * 1024))
      const acknowledged = await appendUntil(directory, durability, (line) => 'state' in line)
      await rm(filler)
      await expectAll(directory, durability, acknowledged)
    }
  })

  it('[L54] workspaces that nobody had open are read while a disk is full, and nothing is lost when it is freed', async (context) => {
    const disk = await smallDisk(context, '4m')
    const attempts = { count: 0 }
    const clock: Clock = {
      now: () => Date.now(),
      after(delayMs, call) {
        attempts.count++
        return systemClock.after(Math.min(delayMs, 10), call)
      },
    }
    const store = await openLevelStore({ directory: join(disk, 'data'), durability: 'sync', clock })
    for (const name of ['a', 'cold']) {
      const log = await store.open(name)
      for (let n = 1; n < 100; n++) log.append(sampleEntry(n))
      await log.append(sampleEntry(100)).durable
      await log.close()
    }
    const filler = await fillUp(disk)
    const busy = await store.open('a')
    const { durable } = busy.append(sampleEntry(101, { update: randomBytes(100_000) }))
    await expect.poll(() => store.state.state === 'failed' && attempts.count > 5).toBe(true)
    const cold = await store.open('cold')
    expect(await readAll(cold)).toHaveLength(100)
    expect(await readAll(busy)).toHaveLength(101)
    await cold.close()
    await rm(filler)
    await durable
    expect(await readAll(await store.open('cold'))).toHaveLength(100)
    await store.close()
  })

  it('[L26] a disk that is full at the first open is storage_full, and a store once there is room', async (context) => {
    const disk = await smallDisk(context, '1m')
    const directory = join(disk, 'data')
    const filler = await fillUp(disk)
    const opening = openLevelStore({ directory, durability: 'sync' })
    await expect(opening).rejects.toEqual(expect.objectContaining({ name: 'LogError', code: 'storage_full' }))
    await rm(filler)
    const store = await openLevelStore({ directory, durability: 'sync' })
    expect(await listWorkspaces(store)).toEqual([])
    await store.close()
  })

  it('[L26] a disk that is full at a later open is storage_full, and everything is there once there is room', async (context) => {
    const disk = await smallDisk(context, '4m')
    const directory = join(disk, 'data')
    let left = 200
    const acknowledged = await appendUntil(directory, 'sync', () => --left === 0)
    const filler = await fillUp(disk)
    const opening = openLevelStore({ directory, durability: 'sync' })
    await expect(opening).rejects.toEqual(expect.objectContaining({ name: 'LogError', code: 'storage_full' }))
    await rm(filler)
    await expectAll(directory, 'sync', acknowledged)
  })
})
