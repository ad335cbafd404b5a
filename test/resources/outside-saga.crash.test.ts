import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Fate, StoreProxy } from '../files/store-proxy.ts'
import { openSwiftBucket, type SwiftBucket, skipForSwift } from '../files/swift-bucket.ts'
import { drawFates } from '../files/upload-faults.ts'
import { runSize } from '../support/run-size.ts'
import { randomBelow, runSeed, seededRandom } from '../support/seeded-random.ts'
import { swiftRoot } from '../support/swift-server.ts'
import { BACK, END, FORWARD, isMessage, Killer } from '../tasks/saga-kills.ts'
import { isEnded, LEASE_MS, SagaScene } from '../tasks/saga-scene.ts'
import { Ledger } from './ledger.ts'
import { RealTrail } from './real-trail.ts'

const IS_NIGHTLY = process.env.JOINERY_NIGHTLY !== undefined
const FILES = IS_NIGHTLY ? 8 : 2
/** Calls that a template makes to the bucket for each of its files. */
const CALLS_A_FILE = 12
/** Every this many calls to the bucket one meets a kill: all of them take a night of their own. */
const STEP = 5
/** Longest time for which a message is held, ms: three leases, and every day hardly more than one. */
const HELD_MS_MAX = IS_NIGHTLY ? 3 * LEASE_MS : 1.2 * LEASE_MS

let swift: SwiftBucket | undefined
beforeAll(async () => {
  if (swiftRoot() !== undefined) swift = await openSwiftBucket()
})
afterAll(() => swift?.close())

/** Places at the bucket and at the ledger. `done`: the outside has done what was asked, and the answer is lost. */
const OUTSIDE = [
  ...Array.from({ length: (FILES * CALLS_A_FILE) / STEP }, (_, n) => `bucket ${1 + n * STEP} asked`),
  ...Array.from({ length: (FILES * CALLS_A_FILE) / STEP }, (_, n) => `bucket ${3 + n * STEP} done`),
  'ledger 1 asked',
  'ledger 2 done',
]

/** Kills also at calls to the bucket and to the ledger. */
class OutsideKiller extends Killer {
  readonly fateOf: () => Promise<Fate>
  constructor(places: readonly string[], kill: () => Promise<void>, ledger: Ledger) {
    super(places, kill)
    let calls = 0
    this.fateOf = async () => {
      const call = ++calls
      if (await this.at(`bucket ${call} asked`)) return { cut: 'before' }
      return { change: async () => ((await this.at(`bucket ${call} done`)) ? { status: 500 } : {}) }
    }
    let posts = 0
    ledger.fault = ({ method }) => {
      if (method !== 'POST') return {}
      const post = ++posts
      // The ledger answers in one turn: the kill is under way when its answer is lost.
      const killed = (place: string): boolean => {
        const isHere = this.awaits(place)
        void this.at(place)
        return isHere
      }
      return { drop: killed(`ledger ${post} asked`), lose: killed(`ledger ${post} done`) }
    }
  }
}

it('[RS49] a worker or server killed at any moment of a saga leaves its files in the bucket and one charge, or neither', async (context) => {
  const bucket = swift ?? skipForSwift(context)
  const seed = runSeed()
  const random = seededRandom(seed)
  console.log(`JOINERY_SEED=${seed}`)
  const drawn = (places: readonly string[]): string[] => [places[randomBelow(random, places.length)] ?? '']
  let fateOf: (() => Promise<Fate>) | undefined
  const proxy = await StoreProxy.open(bucket.endpoint, { fateOf: async () => fateOf?.() })
  await using ledger = await Ledger.start()
  using trail = new RealTrail(bucket, ledger, proxy.origin)
  await using scene = await SagaScene.start(trail)
  scene.keepWorker()
  try {
    const rounds = runSize('JOINERY_ROUNDS', { everyday: 1, nightly: 6 })
    for (const fails of IS_NIGHTLY ? [true, false] : [true]) {
      const passed = [...FORWARD, ...(fails ? BACK : END)]
      const ofWorker = [...passed, ...OUTSIDE]
      const ofServer = passed.filter(isMessage)
      await scene.rounds(rounds, { fails, files: FILES }, () => {
        const killer = new OutsideKiller(IS_NIGHTLY ? ofWorker : drawn(ofWorker), () => scene.killWorkers(), ledger)
        fateOf = killer.fateOf
        const server = new Killer(IS_NIGHTLY ? ofServer : drawn(ofServer), () => scene.killServer())
        scene.outside.onPlace = (place) => (killer.dies(place) ? 'die' : 'go')
        killer.watch(scene.proxy, server)
        return {
          get kills() {
            return killer.kills + server.kills
          },
          async whenOver() {
            await killer.whenOver()
            await server.whenOver()
          },
        }
      })
    }
  } finally {
    await proxy.close()
  }
})

it('[RS50] messages that are lost, doubled, cut, refused or late between worker, server, bucket and ledger leave the same', async (context) => {
  const bucket = swift ?? skipForSwift(context)
  const seed = runSeed()
  const random = seededRandom(seed)
  console.log(`JOINERY_SEED=${seed}`)
  const proxy = await StoreProxy.open(bucket.endpoint, { fateOf: drawFates(random, HELD_MS_MAX) })
  await using ledger = await Ledger.start()
  ledger.fault = () => {
    const dice = randomBelow(random, 100)
    const held = dice >= 25 && dice < 28 ? { heldMs: randomBelow(random, HELD_MS_MAX) } : {}
    return { drop: dice < 5, lose: dice >= 5 && dice < 15, double: dice >= 15 && dice < 25, ...held }
  }
  using trail = new RealTrail(bucket, ledger, proxy.origin)
  await using scene = await SagaScene.start(trail)
  scene.keepWorker()
  scene.proxy.before = async () => {
    const dice = randomBelow(random, 100)
    // A message that comes after the end of its lease is that of a worker whose step another one has.
    if (dice >= 25 && dice < 27) await pause(randomBelow(random, HELD_MS_MAX))
    return dice < 10 ? 'lost' : dice < 20 ? 'twice' : dice < 23 ? 'cut' : dice < 25 ? 'never' : 'go'
  }
  try {
    const sagas = runSize('JOINERY_SAGAS', { everyday: 2, nightly: 500 })
    for (let n = 0; n < sagas; n += 2) {
      const inputs = [false, true].map((fails) => scene.inputOf(`m${n}-${fails}`, { fails, files: FILES }))
      const paths = await Promise.all(inputs.map((input) => scene.begin('template', input)))
      for (const [at, path] of paths.entries()) {
        const task = await scene.until(path, isEnded)
        const isWhole = at === 0
        expect(task.state, JSON.stringify(task)).toBe(isWhole ? 'done' : 'compensated')
        await scene.expectPlan(inputs[at]?.prefix ?? '', isWhole, FILES)
      }
    }
  } finally {
    await proxy.close()
  }
})
