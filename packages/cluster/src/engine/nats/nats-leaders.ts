import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { z } from 'zod'
import type { EngineLeaders, PartLeader } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { writeErrorOf } from './nats-errors.ts'
import type { NamedStream } from './streams.ts'

const ANSWER_MS = 10_000
const LOOK_MS = 100
/** Elections last up to 9 s; a part without a leader after so long has no quorum. */
const ELECTION_MS = 20_000
/** `err_code` of a server that is in no cluster of servers. */
const NOT_CLUSTERED = 10_010

const stepDownAnswer = z.object({
  success: z.boolean().optional(),
  error: z.object({ err_code: z.number().optional(), description: z.string() }).optional(),
})

/** The leaders of the cluster's streams. A part is a stream. */
export class NatsLeaders implements EngineLeaders {
  readonly #link: NatsConnection
  readonly #manager: JetStreamManager
  readonly #streams: readonly string[]

  constructor(link: NatsConnection, manager: JetStreamManager, streams: readonly NamedStream[]) {
    this.#link = link
    this.#manager = manager
    this.#streams = streams.map(({ stream }) => stream)
  }

  list(): Promise<PartLeader[]> {
    return Promise.all(this.#streams.map(async (part) => ({ part, leader: await this.#leaderOf(part) })))
  }

  async stepDown(part: string): Promise<void> {
    if (!this.#streams.includes(part)) throw new EngineError('invalid', `NATS has no stream ${JSON.stringify(part)}`)
    const { error } = await this.#askToStepDown(part)
    if (error?.err_code === NOT_CLUSTERED) {
      throw new EngineError('unsupported', 'NATS runs on one server: no other can lead')
    }
    if (error !== undefined) throw new EngineError('unavailable', `NATS elects no leader: ${error.description}`)
    for (let waitedMs = 0; waitedMs < ELECTION_MS; waitedMs += LOOK_MS) {
      const leader = await this.#leaderOf(part).catch(() => undefined)
      if (leader !== undefined) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new EngineError('unavailable', `the stream ${part} has no leader after ${ELECTION_MS} ms: is a quorum up?`)
  }

  async #leaderOf(stream: string): Promise<string | undefined> {
    try {
      const { cluster } = await this.#manager.streams.info(stream)
      // A server on its own names no cluster.
      return cluster === undefined ? this.#link.info?.server_name : cluster.leader
    } catch (error) {
      const found = writeErrorOf(error, `for the leader of ${stream}`)
      if (found.code === 'unavailable' && !this.#link.isClosed()) return undefined
      throw found
    }
  }

  async #askToStepDown(stream: string): Promise<z.infer<typeof stepDownAnswer>> {
    const subject = `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`
    try {
      const answer = await this.#link.request(subject, new Uint8Array(), { timeout: ANSWER_MS })
      return stepDownAnswer.parse(answer.json())
    } catch (error) {
      throw writeErrorOf(error, `the election for ${stream}`)
    }
  }
}
