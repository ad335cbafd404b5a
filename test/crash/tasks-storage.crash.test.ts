import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killAt, needTracing, PowerLoss, recordRun, traceStorageCalls } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { expectTasksKept, type TaskPromise } from './tasks-course.ts'

const PROGRAM = fileURLToPath(new URL('./tasks-course-child.ts', import.meta.url))
/** Kills of each durability: nightly there is one at every system call. */
const KILLS = runSize('JOINERY_KILLS', { everyday: 2, nightly: Number.MAX_SAFE_INTEGER })
/** Images of a power loss at each durability. */
const IMAGES = runSize('JOINERY_IMAGES', { everyday: 3, nightly: 500 })
const DURABILITIES = ['async', 'sync'] as const

const promisesIn = (output: string): TaskPromise[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TaskPromise)

it.for(DURABILITIES)(
  '[T131] tasks whose server is killed at any system call have their steps and edits both or neither at %s, and go on',
  async (durability, context) => {
    await needTracing(context)
    const seed = runSeed()
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    const programIn = (directory: string) => [PROGRAM, directory, durability]
    const whole = join(home.path, 'whole')
    await mkdir(whole)
    const { calls, output } = await traceStorageCalls(whole, programIn(whole), join(home.path, 'calls'))
    await expectTasksKept(whole, promisesIn(output))
    const step = Math.max(1, calls.length / KILLS)
    const from = step === 1 ? 0 : random() * step
    let kills = 0
    let tried = 0
    for (let n = from; n < calls.length; n += step) {
      const call = calls[Math.floor(n)]
      if (call === undefined) break
      const directory = join(home.path, `killed-${tried++}`)
      await mkdir(directory)
      const ran = await killAt(call, directory, programIn(directory))
      await expectTasksKept(directory, promisesIn(ran.output)).catch((cause: unknown) => {
        throw new Error(`killed at ${JSON.stringify(call)}`, { cause })
      })
      await rm(directory, { recursive: true })
      kills += Number(ran.isKilled)
    }
    console.log(`tasks at ${durability}: ${calls.length} calls, ${tried} tried, ${kills} kills (JOINERY_SEED=${seed})`)
    expect(kills).toBeGreaterThan(0)
  },
)

it.for(DURABILITIES)(
  '[T132] tasks whose machine loses power at any moment have lost nothing that was safe at %s, and go on',
  async (durability, context) => {
    await needTracing(context)
    const seed = runSeed()
    const random = seededRandom(seed)
    await using home = await tempDirectory()
    const directory = join(home.path, 'recorded')
    await mkdir(directory)
    const happened = await recordRun(directory, [PROGRAM, directory, durability], join(home.path, 'calls'))
    expect((await readdir(directory)).length).toBeGreaterThan(0)
    for (let n = 0; n < IMAGES; n++) {
      const before = happened.slice(0, randomBelow(random, happened.length + 1))
      const disk = new PowerLoss(new Map())
      for (const happening of before) disk.happen(happening)
      const image = join(home.path, `image-${n}`)
      await mkdir(image)
      for (const [name, data] of disk.image(random)) await writeFile(join(image, name), data)
      const told = before.flatMap((each) => (each.what === 'promised' ? [each.promised as unknown as TaskPromise] : []))
      await expectTasksKept(image, safeOf(told, durability)).catch((cause: unknown) => {
        throw new Error(`image ${n} after ${before.length} of ${happened.length} (JOINERY_SEED=${seed})`, { cause })
      })
      await rm(image, { recursive: true })
    }
    console.log(`tasks at ${durability}: ${happened.length} moments, ${IMAGES} images (JOINERY_SEED=${seed})`)
  },
)

/** The end of a step is told once it is fsynced, with everything before it. At `async` a start is told before its fsync. */
function safeOf(told: readonly TaskPromise[], durability: 'async' | 'sync'): readonly TaskPromise[] {
  if (durability === 'sync') return told
  return told.slice(0, told.findLastIndex((promise) => 'ended' in promise) + 1)
}
