import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Flip, lookAtFlipped, type Sight } from '../crash/damage-look.ts'
import { makeStore } from '../testing/damage-store.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const FLIPS = process.env.JOINERY_NIGHTLY === undefined ? 60 : 3_000

describe('damage', () => {
  it('[L29] any one bit flipped in the files of a closed store is noticed or harmless', async () => {
    const { directory, contents } = await makeStore(await makeDirectory(), 6, 1_500)
    const files = (await readdir(directory)).filter((name) => /^(\d+\.log|MANIFEST-\d+|CURRENT|JOINERY)$/.test(name))
    expect(files).toHaveLength(4)
    let noticed = 0
    // Everything is in the write-ahead log: it gets most of the flips.
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
      { numRuns: FLIPS },
    )
    expect(noticed).toBeGreaterThan(0)
  })

  it('[L29] any one bit flipped in a table is noticed or harmless, or LevelDB aborts', async () => {
    const { directory, contents } = await makeStore(await makeDirectory(), 6, 1_500)
    // The next open makes a table of the write-ahead log.
    await (await openLevelStore({ directory, durability: 'async' })).close()
    const tables = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    const seed = Date.now() % 2 ** 31
    const flips = fc.sample(fc.record({ file: fc.constantFrom(...tables), bit: fc.nat() }), { seed, numRuns: FLIPS })
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

/** Looks in a process of its own, up to the first flip at which LevelDB aborts. */
async function lookFromOutside(directory: string, names: readonly string[], flips: readonly Flip[]) {
  const program = fileURLToPath(new URL('../crash/damage-look.ts', import.meta.url))
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
