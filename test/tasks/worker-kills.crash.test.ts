import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { runSize } from '../support/run-size.ts'
import { SagaScene } from './saga-scene.ts'
import type { WorkMessage } from './work-proxy.ts'

/** The places that a saga passes: inside its steps, and before and after the server hears of their end. */
const FORWARD = [
  'create run',
  'before create run done',
  'after create run done',
  'before upload plan done',
  'after upload plan done',
  'upload before',
  'upload after',
  'before upload run file-0.txt done',
  'after upload run file-0.txt done',
  'charge before',
  'charge after',
  'before charge run done',
  'after charge run done',
  'link run',
]
const END = ['before link run done', 'after link run done']
const BACK = [
  'before link run failed',
  'after link run failed',
  'charge undo before',
  'charge undo after',
  'before charge undo done',
  'after charge undo done',
  'upload undo before',
  'upload undo after',
  'before upload undo file-0.txt done',
  'after upload undo file-0.txt done',
  'create undo',
  'before create undo done',
  'after create undo done',
]
/** A round has one kill at each place of a saga that succeeds, and of one that is taken back: 43 kills. Nightly: 1,032. */
const ROUNDS = runSize('JOINERY_ROUNDS', { everyday: 1, nightly: 24 })
/** Every day a sixth of the places has its kill. */
const some = (places: readonly string[]): string[] =>
  places.filter((_, at) => process.env.JOINERY_NIGHTLY !== undefined || at % 6 === 1)

/** Has whatever passes a place die there, once. */
class Killer {
  readonly #left: Set<string>
  readonly #kill: (place: string) => Promise<void> | void
  #killing: Promise<void> = Promise.resolve()
  kills = 0

  constructor(places: readonly string[], kill: (place: string) => Promise<void> | void) {
    this.#left = new Set(places)
    this.#kill = kill
  }

  /** Resolves when every place had its kill, and whatever was killed is back. A task may be shown as ended before the proxy has its answer. */
  async whenOver(): Promise<void> {
    await expect.poll(() => [...this.#left]).toEqual([])
    await this.#killing
  }

  /** Whether the passer dies here. */
  dies(place: string): boolean {
    return this.#left.delete(place) && ++this.kills > 0
  }

  async at(when: 'before' | 'after', { name }: WorkMessage): Promise<boolean> {
    const place = `${when} ${name}`
    if (!this.dies(place)) return false
    // One after the other: a server takes messages a little before it is known to be back.
    this.#killing = this.#killing.then(() => this.#kill(place))
    await this.#killing
    return true
  }
}

/** Kills the server at each place that only the proxy sees. */
const isMessage = (place: string): boolean => /^(before|after) /.test(place)

it.each([
  ['succeeds', false, some([...FORWARD, ...END])],
  ['is taken back', true, some([...FORWARD, ...BACK])],
])(
  '[T111] a server that is killed at each message of a saga which %s leaves the whole plan, or nothing of it',
  async (_what, fails, places) => {
    await using scene = await SagaScene.start()
    scene.keepWorker()
    const kills = await scene.rounds(ROUNDS, fails, () => {
      const killer = new Killer(places.filter(isMessage), () => scene.killServer())
      scene.proxy.before = async (message) => ((await killer.at('before', message)) ? 'never' : 'go')
      scene.proxy.after = async (message) => void (await killer.at('after', message))
      return killer
    })
    expect(kills).toBe(places.filter(isMessage).length * ROUNDS)
  },
)

it.each([
  ['succeeds', false, some([...FORWARD, ...END])],
  ['is taken back', true, some([...FORWARD, ...BACK])],
])(
  '[T110] a worker that is killed at each place of a saga which %s leaves the whole plan, or nothing of it',
  async (_what, fails, places) => {
    await using scene = await SagaScene.start()
    scene.keepWorker()
    const kills = await scene.rounds(ROUNDS, fails, () => {
      const killer = new Killer(places, () => scene.killWorkers())
      scene.outside.onPlace = (place) => (killer.dies(place) ? 'die' : 'go')
      scene.proxy.before = async (message) => ((await killer.at('before', message)) ? 'never' : 'go')
      scene.proxy.after = async (message) => void (await killer.at('after', message))
      return killer
    })
    expect(kills).toBe(places.length * ROUNDS)
    expect((await scene.call('GET', `/v1/workspaces/acme%2Fdocs/tasks?limit=1000`)).json.tasks).toHaveLength(ROUNDS)
    await scene.server.child.end('SIGTERM')
    const verified = await joinery('verify', '--data', scene.data)
    expect(verified.exit.code, verified.output).toBe(0)
  },
)
