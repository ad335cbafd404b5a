import { execFile } from 'node:child_process'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, type TestContext } from 'vitest'
import { appendUntil, expectAll } from './crash-child.ts'
import { openLevelStore } from './level-store.ts'
import { testDirectories } from './test-directory.ts'
import { listWorkspaces } from './testing.ts'

const makeDirectory = testDirectories()
const run = promisify(execFile)

/** A small disk of its own. Skips the test, saying why, where mounting is not allowed. */
async function smallDisk(context: TestContext, size: string): Promise<string> {
  const mountPoint = await makeDirectory()
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mountPoint])
  } catch (error) {
    context.skip(`needs to mount a tmpfs, which is not allowed here: ${String(error)}`)
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
    it(`[L23, L24, L26] nothing acknowledged at ${durability} is lost when a disk of ${size} fills, is freed and the process killed`, {
      timeout: 60_000,
    }, async (context) => {
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
      expect(states.slice(0, 2)).toEqual(['storage_full', 'open'])
      await expectAll(directory, durability, acknowledged)
    })
  }

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
