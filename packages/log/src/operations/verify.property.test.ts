import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flipBit } from '../crash/damage-look.ts'
import { LogError } from '../log-error.ts'
import { makeStore } from '../testing/damage-store.ts'
import { makeTables } from '../testing/tables.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { isIntact, verifyDirectory } from './verify-directory.ts'

const makeDirectory = testDirectories()
const FLIPS = process.env.JOINERY_NIGHTLY === undefined ? 20 : 2_000
/** The files that LevelDB writes for people, and its lock, which is empty. */
const NOT_READ = new Set(['LOG', 'LOG.old', 'LOCK'])

async function contentsOf(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).sort()
  const contents = names.map(async (name) => [name, (await readFile(join(directory, name))).toString('base64')])
  return Object.fromEntries(await Promise.all(contents)) as Record<string, string>
}

describe('verifyDirectory', () => {
  it.each([
    ['a write-ahead log', async (directory: string) => (await makeStore(directory, 5, 1_500)).directory],
    ['tables', makeTables],
  ])('[L70, L71] tells of any one bit flipped where the data is in %s, and changes nothing', async (where, make) => {
    const directory = await make(await makeDirectory())
    const before = await contentsOf(directory)
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
    expect(await contentsOf(directory)).toEqual(before)
    const files = Object.keys(before).filter((name) => !NOT_READ.has(name))
    expect(files.some((name) => name.endsWith('.ldb'))).toBe(where === 'tables')
    const flips = fc.record({ file: fc.constantFrom(...files), bit: fc.nat() })
    await fc.assert(
      fc.asyncProperty(flips, async (flip) => {
        const copy = await mkdtemp(`${directory}-copy-`)
        await cp(directory, copy, { recursive: true })
        await flipBit(copy, flip)
        const damaged = await contentsOf(copy)
        expect(await findsDamage(copy)).toBe(true)
        expect(await contentsOf(copy)).toEqual(damaged)
        await rm(copy, { recursive: true })
      }),
      { numRuns: FLIPS },
    )
  })
})

/** A marker that has become another word makes the directory somebody else's. */
async function findsDamage(directory: string): Promise<boolean> {
  try {
    return !isIntact(await verifyDirectory(directory))
  } catch (error) {
    if (error instanceof LogError) return error.code === 'foreign_directory' || error.code === 'unreadable'
    throw error
  }
}
