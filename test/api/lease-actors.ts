import { seededRandom } from '../support/seeded-random.ts'
import { act, type LeaseScene } from './lease-actor.ts'

/**
 * Run by leases.crash.test.ts: actors on leases in a process of their own, which can be stopped. Prints each call and each write as a
 * line of JSON. SIGTERM ends it, when each actor has had its last answer.
 */
export interface ActorsConfig {
  readonly url: string
  readonly seed: number
  /** Names of the actors that work in each of the workspaces. */
  readonly actors: readonly string[]
  readonly workspaces: readonly string[]
}

const { url, seed, actors, workspaces }: ActorsConfig = JSON.parse(process.argv[2] ?? '')
let isOver = false
process.once('SIGTERM', () => {
  isOver = true
})
const scene: LeaseScene = {
  url,
  random: seededRandom(seed),
  isOver: () => isOver,
  call: (call) => console.log(JSON.stringify({ call })),
  write: (write) => console.log(JSON.stringify({ write })),
}
await Promise.all(workspaces.flatMap((workspace) => actors.map((actor) => act(scene, workspace, actor))))
