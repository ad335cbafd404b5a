import { type AwarenessState, encodeAwareness, encodeAwarenessStates } from '@joinery/protocol'
import type { WebSocket } from 'ws'
import type { Attack, AttackScene } from '../attack-scene.ts'

const claims = { sub: 'eve', access: 'read' } as const

/** Has so many readers send presence without a pause, and enter again when they are closed. */
function floodPresence(
  scene: AttackScene,
  connections: number,
  statesOf: (turn: number, index: number) => readonly AwarenessState[],
): Promise<void> {
  return scene.floodByMany(connections, { claims }, (turn, index) =>
    encodeAwareness(encodeAwarenessStates(statesOf(turn, index))),
  )
}

const oneState = (clientId: number, clock: number, json: string): AwarenessState[] => [{ clientId, clock, json }]

const CLOCKS = [2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1] as const
/** As many states as a frame has room for. */
const STATES = 40_000

export const presenceAttacks = {
  'presence-clocks': {
    title: '20 readers send presence with the greatest clocks, under client ids of each other',
    run: (scene) =>
      floodPresence(scene, 20, (turn) => oneState(turn % 50, CLOCKS[turn % 3] as number, `{"turn":${turn}}`)),
  },
  'presence-names': {
    title: '20 readers send names of 200 KB and 1 MB in presence',
    run: (scene) => {
      const long = [200_000, 1_000_000].map((length) => `{"user":{"name":"${'x'.repeat(length)}"}}`)
      return floodPresence(scene, 20, (turn, index) => oneState(index, turn, long[turn % 9 === 8 ? 1 : 0] as string))
    },
  },
  'presence-crowd': {
    title:
      'a crowd of readers, each another person, move in one room under eight client ids each, and two more send 40,000 new ids in each frame',
    run: async (scene) => {
      const states = Array.from({ length: STATES }, (_, at) => ({ clientId: 100_000 + at, clock: 1, json: '1' }))
      const crowd: { readonly socket: WebSocket; readonly first: number }[] = []
      const gather = async (): Promise<void> => {
        for (let entered = 0; entered < 1_000 && !scene.isOver; entered += 20) {
          const people = Array.from({ length: 20 }, (_, at) => ({ ...claims, sub: `eve-${entered + at}` }))
          const sockets = await Promise.all(people.map((person) => scene.enter({ claims: person })))
          for (const [index, socket] of sockets.entries())
            if (socket !== undefined) crowd.push({ socket, first: 8 * (entered + index) })
          await scene.pause(1)
        }
      }
      // Each move is told to all that have entered so far.
      const move = async (): Promise<void> => {
        for (let clock = 1; !scene.isOver; clock++) {
          for (const { socket, first } of crowd) {
            const own = Array.from({ length: 8 }, (_, at) => ({ clientId: first + at, clock, json: `{"x":${clock}}` }))
            await scene.send(socket, encodeAwareness(encodeAwarenessStates(own)))
          }
          scene.tell('moves of the crowd')
          await scene.pause(10)
        }
      }
      const frame = encodeAwareness(encodeAwarenessStates(states))
      await Promise.all([gather(), move(), scene.floodByMany(2, { claims }, () => frame)])
      scene.tell(`a crowd of ${crowd.length}`)
    },
  },
  'presence-depth': {
    title: '20 readers send presence of arrays in each other as deep as a state allows',
    run: (scene) => {
      const depth = `${'['.repeat(2_000)}${']'.repeat(2_000)}`
      return floodPresence(scene, 20, (turn, index) => oneState(index, turn, depth))
    },
  },
} satisfies Record<string, Attack>
