import { hash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Problem } from '../operations/problem.ts'
import { inMemory, testDirectories } from '../testing/test-directory.ts'
import type { Promised } from './course.ts'
import { type Course, courseProgram, courses, useGrounds } from './grounds.ts'
import { expectKept, expectServed, Ledger } from './ledger.ts'
import { PowerLoss } from './power-loss.ts'
import { type Happening, recordRun } from './record-run.ts'
import { needTracing } from './storage-calls.ts'

const makeDirectory = testDirectories(inMemory())
const makeRoom = testDirectories()
const grounds = useGrounds(makeDirectory)
const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
/** Over all courses. */
const IMAGES = Number(process.env.JOINERY_IMAGES ?? (IS_NIGHTLY ? 10_000 : 30))
const COURSES = courses(IS_NIGHTLY)
const IMAGES_EACH = Math.ceil(IMAGES / COURSES.length)
/** A store goes on with all kinds of work in every so many images only: that takes longer than all the rest. */
const GO_ON_STEP = IS_NIGHTLY ? 16 : 8
/** Over all courses, of a disk that writes pages in any order. */
const UNORDERED_IMAGES = Number(process.env.JOINERY_UNORDERED_IMAGES ?? (IS_NIGHTLY ? 1_000 : 28))
const UNORDERED_EACH = Math.ceil(UNORDERED_IMAGES / COURSES.length)
const SEED = process.env.JOINERY_SEED === undefined ? {} : { seed: Number(process.env.JOINERY_SEED) }
/** Not `fc.double`: it gives each exponent as often as any other, so that nearly all of its numbers are close to 0. */
const chance = fc.infiniteStream(fc.noBias(fc.nat({ max: 2 ** 32 - 1 })).map((n) => n / 2 ** 32))

async function readFiles(directory: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(directory)).filter((name) => !/^(LOG|LOG\.old|LOCK)$/.test(name))
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)))
}

/** A comparison byte by byte takes seconds for megabytes. */
function digestsOf(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...files].map(([name, data]) => [name, hash('sha256', data)]))
}

/**
 * A write-ahead log may end in bytes that were never promised, and a manifest in bytes that LevelDB never relied on.
 */
function isTornTail({ code, file }: Problem): boolean {
  return code === 'manifest_torn' || (code === 'file_damaged' && file?.endsWith('.log') === true)
}

/**
 * The promises that must outlive a power loss after all this. At `sync`: everything promised. At `async`: appends that asked
 * for an fsync, and others whose write-ahead log was fsynced since, which is certain when the next write to it comes.
 */
function safePromises(happened: readonly Happening[], durability: 'async' | 'sync'): Promised[] {
  const safe: Promised[] = []
  const waiting: Promised[] = []
  /** How many of those that wait each fsync under way covers, by its thread. */
  const syncing = new Map<string, number>()
  let synced = 0
  /** The log that is written to. An fsync of one that LevelDB has left says nothing of the newest appends. */
  let log: string | undefined
  for (const happening of happened) {
    if (happening.what === 'promised') {
      const { promised } = happening
      const isSafe = durability === 'sync' || !('appended' in promised) || promised.isSynced === true
      const to = isSafe ? safe : waiting
      to.push(promised)
    } else if (!('file' in happening) || !happening.file.endsWith('.log')) continue
    else if (happening.what === 'wrote') {
      safe.push(...waiting.splice(0, synced))
      for (const [thread, count] of syncing) syncing.set(thread, count - synced)
      synced = 0
      log = happening.file
    } else if (happening.file !== log) continue
    else if (happening.what === 'fsync began') syncing.set(happening.thread, waiting.length)
    else if (happening.what === 'fsynced') synced = Math.max(synced, syncing.get(happening.thread) ?? 0)
  }
  return safe
}

/** A directory, what a course does to it, and the promises made before. */
interface Recording {
  readonly files: ReadonlyMap<string, Buffer>
  readonly happened: readonly Happening[]
  readonly promises: readonly Promised[]
}

const recordings = new Map<Course, Promise<Recording>>()

/** The recording of a course, which is run once. */
function recordingOf(course: Course): Promise<Recording> {
  const recording = recordings.get(course) ?? record(course)
  recordings.set(course, recording)
  return recording
}

async function record({ phase, ground, durability }: Course): Promise<Recording> {
  const { promises, lay } = grounds()[ground]
  const directory = await lay(join(await makeDirectory(), 'data'))
  const files = await readFiles(directory)
  const program = courseProgram(directory, { phase, durability })
  const happened = await recordRun(directory, program, join(await makeRoom(), 'calls'))
  const logs = happened.filter((each) => each.what === 'created' && each.file.endsWith('.log'))
  if (phase === 'write' || phase === 'five') expect(logs.length, 'write-ahead logs').toBeGreaterThan(1)
  const whole = new PowerLoss(files)
  for (const happening of happened) whole.happen(happening)
  expect(digestsOf(whole.live())).toEqual(digestsOf(await readFiles(directory)))
  await rm(directory, { recursive: true })
  return { files, happened, promises }
}

function nameOf({ durability, phase, ground }: Course): string {
  return `${durability}, ${phase} (${ground})`
}

/**
 * A moment of a course: what has happened by then. Any moment, and often one of the few at which a manifest that counts
 * has grown.
 */
function momentOf(happened: readonly Happening[]): fc.Arbitrary<number> {
  const any = fc.nat({ max: happened.length })
  let counts = false
  const grown: number[] = []
  for (const [n, each] of happened.entries()) {
    if (each.what === 'renamed' && each.to === 'CURRENT') counts = true
    if (counts && each.what === 'wrote' && each.file.startsWith('MANIFEST')) grown.push(n + 1)
  }
  if (grown.length === 0) return any
  return fc.oneof({ arbitrary: any, weight: 3 }, { arbitrary: fc.constantFrom(...grown), weight: 1 })
}

/** Tries images of what a power loss at any moment of a course may leave. Returns in how many a manifest was cut. */
async function tryImages(
  course: Course,
  { images, isUnordered }: { images: number; isUnordered: boolean },
  look: (home: string, ledger: Ledger, n: number) => Promise<void>,
): Promise<number> {
  const { files, happened, promises } = await recordingOf(course)
  let n = 0
  let cut = 0
  await fc.assert(
    fc.asyncProperty(momentOf(happened), chance, async (count, chances) => {
      const before = happened.slice(0, count)
      const disk = new PowerLoss(files)
      for (const happening of before) disk.happen(happening)
      const home = join(await makeDirectory(), 'data')
      await mkdir(home)
      const image = disk.image(() => chances.next().value, { isUnordered })
      for (const [name, data] of image) await writeFile(join(home, name), data)
      await look(home, new Ledger([...promises, ...safePromises(before, course.durability)]), n++)
      cut += Number((await readdir(home)).some((name) => name.includes('.torn-')))
      await rm(home, { recursive: true })
    }),
    { numRuns: images, endOnFailure: true, ...SEED },
  )
  return cut
}

describe('a machine that loses power', () => {
  it.for(COURSES)(
    '[L52, L67] it has lost nothing that was safe at $durability, and goes on, when it was to $phase ($ground)',
    async (course, context) => {
      await needTracing(context)
      const cut = await tryImages(course, { images: IMAGES_EACH, isUnordered: false }, (home, ledger, n) =>
        expectKept(home, ledger, { allows: isTornTail, goesOn: n % GO_ON_STEP === 0 }),
      )
      console.log(`${nameOf(course)}: ${IMAGES_EACH} images, ${cut} with a manifest that was cut`)
    },
  )

  it.for(COURSES)(
    '[L56] it has lost nothing that was safe at $durability, whatever order the disk writes pages in, when it was to $phase ($ground)',
    async (course, context) => {
      await needTracing(context)
      let damaged = 0
      const cut = await tryImages(course, { images: UNORDERED_EACH, isUnordered: true }, async (home, ledger, n) => {
        if (course.durability === 'async') damaged += Number((await expectServed(home, ledger)) > 0)
        else await expectKept(home, ledger, { allows: isTornTail, goesOn: n % GO_ON_STEP === 0 })
      })
      const found = `${cut} with a manifest that was cut, ${damaged} with a damaged workspace`
      console.log(`${nameOf(course)}, any order: ${UNORDERED_EACH} images, ${found}`)
    },
  )
})
