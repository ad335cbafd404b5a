import { expect, it } from 'vitest'
import { joinery } from '../support/command.ts'
import { runSize } from '../support/run-size.ts'
import { BACK, END, FORWARD, isMessage, Killer } from './saga-kills.ts'
import { SagaScene } from './saga-scene.ts'

/** A round has one kill at each place of a saga that succeeds, and of one that is taken back: 43 kills. Nightly: 1,032. */
const ROUNDS = runSize('JOINERY_ROUNDS', { everyday: 1, nightly: 24 })
/** Every day a sixth of the places has its kill. */
const some = (places: readonly string[]): string[] =>
  places.filter((_, at) => process.env.JOINERY_NIGHTLY !== undefined || at % 6 === 1)

it.each([
  ['succeeds', false, some([...FORWARD, ...END])],
  ['is taken back', true, some([...FORWARD, ...BACK])],
])(
  '[T111] a server that is killed at each message of a saga which %s leaves the whole plan, or nothing of it',
  async (_what, fails, places) => {
    await using scene = await SagaScene.start()
    scene.keepWorker()
    const kills = await scene.rounds(ROUNDS, { fails }, () => {
      const killer = new Killer(places.filter(isMessage), () => scene.killServer())
      killer.watch(scene.proxy)
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
    const kills = await scene.rounds(ROUNDS, { fails }, () => {
      const killer = new Killer(places, () => scene.killWorkers())
      scene.outside.onPlace = (place) => (killer.dies(place) ? 'die' : 'go')
      killer.watch(scene.proxy)
      return killer
    })
    expect(kills).toBe(places.length * ROUNDS)
    expect((await scene.call('GET', `/v1/workspaces/acme%2Fdocs/tasks?limit=1000`)).json.tasks).toHaveLength(ROUNDS)
    await scene.server.child.end('SIGTERM')
    const verified = await joinery('verify', '--data', scene.data)
    expect(verified.exit.code, verified.output).toBe(0)
  },
)
