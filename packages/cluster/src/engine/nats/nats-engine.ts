import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import type { Engine } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { Patience } from '../patience.ts'
import { LastMessages } from './last-messages.ts'
import { leaveLonelyServer } from './leave-lonely-server.ts'
import { checkMonitor } from './monitor.ts'
import { NatsBus } from './nats-bus.ts'
import { engineErrorOf } from './nats-errors.ts'
import { NatsKeys } from './nats-keys.ts'
import { NatsLeaders } from './nats-leaders.ts'
import { NatsLog } from './nats-log.ts'
import { reconnectDelay } from './reconnect-delay.ts'
import { ensureStreams, missingStreams, type StreamSizes, type Streams } from './streams.ts'

export interface NatsEngineOptions extends Partial<StreamSizes> {
  /** Addresses, as `nats://host:4222`. The client goes on with another one when its server is gone. */
  readonly servers: readonly string[]
  /** Name of this connection, for the operator of NATS. */
  readonly name: string
  /** Addresses of the servers' monitoring ports, as `http://host:8222`: they tell whether the disks are synced. */
  readonly monitors?: readonly string[]
  /** Asks again while JetStream does not answer: by default nothing is asked again. */
  readonly patience?: Patience
  /** Credentials and TLS, as the NATS client takes them. */
  readonly connection?: Pick<ConnectionOptions, 'authenticator' | 'user' | 'pass' | 'token' | 'tls'>
}

/** Oldest version that does what the cluster needs: older ones drop parts of a configuration without a word. */
export const NATS_VERSION_MIN = '2.12.0'
/** Time for an answer, ms. */
export const ANSWER_MS = 2_000
const CONNECT_MS = 5_000
/** Name of the NATS client's error for a server without JetStream; the class is not exported. */
const NOT_ENABLED = 'JetStreamNotEnabled'

/**
 * Connects to NATS JetStream. Rejects with `unavailable` if no server answers, with `unsupported` if it is too old or has
 * no JetStream, and with `misconfigured` if its streams are others than asked.
 */
export async function openNatsEngine(options: NatsEngineOptions): Promise<Engine> {
  const { servers, name, connection = {}, monitors = [], replicas = 3, shards = 4 } = options
  const { patience = new Patience({ waitMs: 0 }) } = options
  const link = await connectTo({ ...connection, servers: [...servers], name })
  try {
    checkVersion(link)
    await Promise.all(monitors.map(checkMonitor))
    const manager = await patience.ask('its JetStream', () => managerOf(link))
    const sizes = { replicas, shards }
    const streams = await patience.ask('its streams', () => ensureStreams(manager, sizes))
    return engineOf(link, { manager, lasts: await LastMessages.open(link) }, streams, sizes)
  } catch (error) {
    await link.close()
    throw error
  }
}

async function connectTo(options: ConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect({
      ...options,
      timeout: CONNECT_MS,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: reconnectDelay(),
      waitOnFirstConnect: false,
      // Otherwise the client makes three errors with their stacks for each call, in case it fails: a tenth of an owner's time.
      noAsyncTraces: true,
    })
  } catch (cause) {
    const message = `no NATS server answers at ${String(options.servers)}: start one, or correct the addresses`
    throw new EngineError('unavailable', message, { cause })
  }
}

function checkVersion(link: NatsConnection): void {
  const version = link.info?.version ?? '0'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [majorMin = 0, minorMin = 0] = NATS_VERSION_MIN.split('.').map(Number)
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return
  throw new EngineError('unsupported', `this is NATS ${version}: the cluster needs ${NATS_VERSION_MIN} or newer`)
}

async function managerOf(link: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(link, { timeout: ANSWER_MS })
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== NOT_ENABLED) throw engineErrorOf(cause, 'for its JetStream')
    const message =
      'this NATS server has no JetStream: start it with -js, or with a jetstream block in its configuration'
    throw new EngineError('unsupported', message, { cause })
  }
}

function engineOf(
  link: NatsConnection,
  asked: { readonly manager: JetStreamManager; readonly lasts: LastMessages },
  streams: Streams,
  sizes: StreamSizes,
): Engine {
  const { manager } = asked
  const client = jetstream(link, { timeout: ANSWER_MS })
  const meta = new NatsKeys(link, client, asked, streams.meta)
  const stopLooking = leaveLonelyServer(link, manager, streams.meta.stream)
  const live = new NatsKeys(link, client, asked, streams.live)
  return {
    name: `NATS ${link.info?.version ?? '?'}`,
    log: new NatsLog(link, client, asked, streams.shards),
    meta,
    live,
    bus: new NatsBus(link),
    storage: {
      missing: () => missingStreams(manager, streams),
      remake: async () => void (await ensureStreams(manager, sizes)),
    },
    leaders: new NatsLeaders(link, manager, [...streams.shards, streams.meta, streams.live]),
    close: async () => {
      stopLooking()
      meta.close()
      live.close()
      await link.close()
    },
  }
}
