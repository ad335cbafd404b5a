import { encodeSyncStep1, isFinalCloseCode } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { startJoinery } from '../support/joinery-process.ts'
import { RawClient } from '../support/raw-client.ts'
import { runSize } from '../support/run-size.ts'
import { setScene } from '../support/scene.ts'
import { type Random, runSeed, seededRandom } from '../support/seeded-random.ts'
import { within } from '../support/until.ts'
import { makeCorpus, mutate } from './frame-corpus.ts'

const FRAMES = runSize('JOINERY_FUZZ_FRAMES', { everyday: 4_000, nightly: 300_000 })
/** How many offenders work at once, each in a room of its own. */
const LANES = 16
/** After each such number of frames, the bystanders are checked. */
const FRAMES_PER_CHECK = 2_000
const LANE_ROOM = (lane: number) => `fuzzed-${lane}`
/** The server answers this frame. A missing answer shows that the frame before it closed the connection. */
const PROBE = encodeSyncStep1(Uint8Array.of(0))

/** One offender: sends each frame and then a probe, until the server has answered or closed the connection. */
class Lane {
  readonly #url: string
  #socket: WebSocket | undefined
  #settle: ((outcome: 'taken' | 'refused') => void) | undefined
  refused = 0

  constructor(url: string, room: string, wantsJoinery: boolean) {
    this.#url = `${url}/${room}${wantsJoinery ? '?joinery=1' : ''}`
  }

  async send(frame: Uint8Array): Promise<void> {
    const socket = this.#socket ?? (await this.#open())
    const outcome = new Promise<'taken' | 'refused'>((resolve) => {
      this.#settle = resolve
    })
    socket.send(frame)
    socket.send(PROBE)
    if ((await within(`an answer to ${Buffer.from(frame).toString('hex')}`, outcome)) === 'refused') this.refused++
  }

  #open(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false })
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        this.#socket = socket
        resolve(socket)
      })
      socket.on('message', (data: Buffer) => {
        // The probe's answer is a SyncStep2; a refusal that leaves the connection open comes before it.
        if (data[0] === 0 && data[1] === 1) this.#settle?.('taken')
      })
      socket.on('error', reject)
      socket.on('close', (code, reason) => {
        this.#socket = undefined
        // 1007 and 1009 are `ws`'s own: text that is no UTF-8, more than a message may hold.
        if (!isFinalCloseCode(code)) reject(new Error(`closed with ${code} ${reason}`))
        this.#settle?.('refused')
      })
    })
  }

  close(): void {
    this.#socket?.terminate()
  }
}

async function fuzz(
  lanes: readonly Lane[],
  frames: number,
  corpus: readonly Uint8Array[],
  random: Random,
): Promise<void> {
  let left = frames
  const work = async (lane: Lane) => {
    while (left-- > 0) await lane.send(mutate(corpus, random))
  }
  await Promise.all(lanes.map(work))
}

describe('frames of real clients with bytes changed', () => {
  it(`[T36] the server goes on, other rooms notice nothing and the fuzzed rooms load again when ${FRAMES} broken frames come`, async () => {
    const seed = runSeed()
    console.log(`frame fuzz: JOINERY_SEED=${seed}`)
    const random = seededRandom(seed)
    const corpus = makeCorpus()
    await using scene = await setScene()
    const lanes = Array.from({ length: LANES }, (_, lane) => new Lane(scene.url, LANE_ROOM(lane), lane % 2 === 0))
    for (let sent = 0; sent < FRAMES; sent += FRAMES_PER_CHECK) {
      await fuzz(lanes, Math.min(FRAMES_PER_CHECK, FRAMES - sent), corpus, random)
      await scene.bystander.check()
    }
    // Most mutations break something: a server that refused few frames was not tested.
    const refused = lanes.reduce((sum, lane) => sum + lane.refused, 0)
    expect(refused).toBeGreaterThan(FRAMES / 10)
    for (const lane of lanes) lane.close()

    const before = await statesOf(scene.url)
    expect(await scene.joinery.child.end('SIGTERM'), scene.joinery.child.output()).toEqual({ code: 0, signal: null })
    await using again = await startJoinery({ directory: scene.directory })
    const after = await statesOf(again.url)
    for (const [lane, clocks] of before.entries()) {
      for (const [client, clock] of clocks)
        expect(after[lane]?.get(client), `${LANE_ROOM(lane)}, ${client}`).toBeGreaterThanOrEqual(clock)
    }
  })
})

/**
 * The state vector of a newcomer to each fuzzed room. Not the content: broken frames give a clock of one client several, of
 * which Yjs may choose another when it is given them at once.
 */
async function statesOf(url: string): Promise<Map<number, number>[]> {
  const states: Map<number, number>[] = []
  for (let lane = 0; lane < LANES; lane++) {
    const client = await within(`${LANE_ROOM(lane)} loads`, RawClient.open({ url, path: LANE_ROOM(lane) }))
    states.push(Y.decodeStateVector(Y.encodeStateVector(client.doc)))
    await client.close()
  }
  return states
}
