import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLiveFiles } from '../leveldb/manifest.ts'
import { openLevelStore } from '../store/level-store.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import { PHASES, prepare } from './course.ts'
import type { Flip } from './damage-look.ts'
import type { FlipLine, Reach } from './flip-look.ts'

/** Lines that the program flip-look.ts prints for each flip. */
const LINES_PER_FLIP = 3

const makeDirectory = testDirectories(inMemory())
const PROGRAM = fileURLToPath(new URL('./flip-look.ts', import.meta.url))
/** Flips of both forms together: the newest in a write-ahead log, and in tables. */
const FLIPS = Number(process.env.JOINERY_FLIPS ?? (process.env.JOINERY_NIGHTLY === undefined ? 12 : 1_000))
const FLIPS_EACH = Math.ceil(FLIPS / 2)
/** Codes of the errors that a damaged workspace or store throws. */
const REFUSALS = ['corrupted', 'foreign_directory', 'unreadable', 'storage_failed']
/** Outcomes of a repair that does not throw. */
const REPAIRS = ['whole', 'exported', 'repaired', 'deleted']
const NOT_READ = new Set(['LOG', 'LOG.old', 'LOCK'])

/**
 * Makes histories with segments, snapshots packed against others, dropped records and a deleted workspace. Returns how
 * far each reaches. The last writes stand in the write-ahead log alone.
 */
async function makeHistories(directory: string): Promise<Reach[]> {
  const tell = () => undefined
  for (const work of [prepare, PHASES.seal, PHASES.compact, PHASES.snapshot]) {
    const store = await openLevelStore({ directory, durability: 'async' })
    await work(store, tell)
    await store.close()
  }
  const store = await openLevelStore({ directory, durability: 'async' })
  await store.tombstone('doomed')
  const reaches: Reach[] = []
  for (const workspace of await listWorkspaces(store)) {
    const { firstLsn, head } = await store.open(workspace)
    reaches.push([workspace, firstLsn, head])
  }
  await store.close()
  return reaches
}

/** The files that are read, each with its bytes. */
async function filesOf(directory: string): Promise<[file: string, bytes: number][]> {
  const names = (await readdir(directory)).filter((name) => !NOT_READ.has(name))
  return Promise.all(names.map(async (name) => [name, (await stat(join(directory, name))).size] as const)).then(
    (files) => files.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => [name, bytes]),
  )
}

/** Whether LevelDB no longer reads this file of an undamaged directory: it is superseded, and not removed yet. */
async function isLeftBehind(directory: string, file: string): Promise<boolean> {
  const live = await readLiveFiles(directory)
  if (live === undefined) throw new Error(`${directory} has no manifest`)
  const number = Number.parseInt(file, 10)
  if (file.endsWith('.ldb')) return !live.tables.has(number)
  if (file.endsWith('.log')) return number < live.firstLog
  return file.startsWith('MANIFEST') && file !== live.manifest
}

/** Looks in a process of its own, up to the first flip at which LevelDB aborts. */
async function look(directory: string, reaches: readonly Reach[], flips: readonly Flip[]) {
  const child = spawn(process.execPath, [PROGRAM, directory, JSON.stringify(reaches), JSON.stringify(flips)])
  child.stdin.end()
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const [output, complaint, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  const hasAborted = signal === 'SIGABRT' && /Assertion .* failed/.test(complaint)
  if (!hasAborted) expect([code, complaint]).toEqual([0, ''])
  const lines = output.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line) as FlipLine), hasAborted }
}

describe('any one bit flipped', () => {
  it.each(['a write-ahead log', 'tables'])(
    '[L16, L29, L35, L60, L70, L93, L97] is found by a verification or does no harm, what is served is the same or refused, and what a repair keeps is right, with the newest in %s',
    async (newestIn) => {
      const directory = join(await makeDirectory(), 'data')
      const reaches = await makeHistories(directory)
      expect(reaches.some(([, firstLsn]) => firstLsn > 1)).toBe(true)
      if (newestIn === 'tables') await (await openLevelStore({ directory, durability: 'async' })).close()
      const files = await filesOf(directory)
      const seed = Number(process.env.JOINERY_SEED ?? Date.now() % 2 ** 31)
      console.log(`bit flips, the newest in ${newestIn}: JOINERY_SEED=${seed}`)
      // Each file as often as any other: in a small file every bit matters.
      const flip = fc
        .constantFrom(...files)
        .chain(([file, bytes]) => fc.record({ file: fc.constant(file), bit: fc.nat({ max: bytes * 8 - 1 }) }))
      // All of a few flips at random may stand in places that nobody reads. One in CURRENT never does.
      const flips = [{ file: 'CURRENT', bit: 0 }, ...fc.sample(flip, { seed, numRuns: FLIPS_EACH })]
      const outcomes = { same: 0, refused: 0, aborted: 0 }
      /** Outcomes of every workspace after every flip. */
      const repairs: Record<string, number> = {}
      /** Files of the flips that a verification did not find. */
      const unfound: Record<string, number> = {}
      for (let done = 0; done < flips.length; ) {
        const { lines, hasAborted } = await look(directory, reaches, flips.slice(done))
        let isFound = true
        for (const [n, line] of lines.entries()) {
          const flip = flips[done + Math.floor(n / LINES_PER_FLIP)]
          const what = `seed ${seed}, ${JSON.stringify(flip)}`
          if ('isFound' in line) {
            isFound = line.isFound
            if (isFound) continue
            const { file = '' } = flip ?? {}
            expect(await isLeftBehind(directory, file), `${what} is not found in a file that counts`).toBe(true)
            unfound[file] = (unfound[file] ?? 0) + 1
            continue
          }
          if ('repaired' in line) {
            for (const each of Object.values(line.repaired)) {
              expect([...REPAIRS, ...REFUSALS], what).toContain(each)
              repairs[each] = (repairs[each] ?? 0) + 1
            }
            continue
          }
          const seen = new Set(Object.values(line.seen))
          if (!isFound) expect([...seen], what).toEqual(['same'])
          for (const each of seen) expect(['same', ...REFUSALS], what).toContain(each)
          outcomes[seen.size === 1 && seen.has('same') ? 'same' : 'refused']++
        }
        outcomes.aborted += Number(hasAborted)
        const looked = Math.floor(lines.length / LINES_PER_FLIP) + Number(hasAborted)
        expect(looked).toBeGreaterThan(0)
        done += looked
      }
      console.log(
        `of ${flips.length} flips, the newest in ${newestIn}: ${JSON.stringify(outcomes)}; not found, in files left behind: ${JSON.stringify(unfound)}; repairs: ${JSON.stringify(repairs)}`,
      )
      expect(outcomes.refused + outcomes.aborted).toBeGreaterThan(0)
    },
  )
})
