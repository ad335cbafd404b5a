import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { REPEAT_WINDOW_MS } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { engineErrorOf } from './nats-errors.ts'

export interface StreamSizes {
  /** Copies of everything: 3 for a cluster of three servers or more, 1 for a single one. */
  readonly replicas: number
  /** Streams that the workspaces' logs are spread over. Fixed when the cluster is made. */
  readonly shards: number
}

/** A stream, and the words before the names in its subjects. */
export interface NamedStream {
  readonly stream: string
  readonly prefix: string
}

export interface Streams {
  readonly shards: readonly NamedStream[]
  readonly meta: NamedStream
  readonly live: NamedStream
}

/** Time for which the end of a key can still be read, ms. */
export const MARKER_MS = 60_000
const MESSAGE_BYTES = 1024 * 1024
/** First characters of the names of the streams that have the workspaces' logs. */
const SHARD = 'JY_LOG_'
/** `err_code` for a stream that exists with other settings. */
const STREAM_NAME_IN_USE = 10_058
/** Time for which streams that are being made are waited for: 10 s. */
const LOOKS_MAX = 50
const LOOK_MS = 200

/**
 * Makes the streams that are not there, and checks that each has the settings that were asked for. Throws `misconfigured`,
 * also if the logs are spread over another number of streams: a workspace would be looked for in the wrong one.
 */
export async function ensureStreams(manager: JetStreamManager, sizes: StreamSizes): Promise<Streams> {
  await checkShards(manager, sizes.shards)
  const shards = Array.from({ length: sizes.shards }, (_, shard) => ({
    stream: `${SHARD}${shard}`,
    prefix: `jy.log.${shard}.`,
  }))
  const meta = { stream: 'JY_META', prefix: 'jy.meta.' }
  const live = { stream: 'JY_LIVE', prefix: 'jy.live.' }
  for (const { stream, prefix } of shards) {
    await ensure(manager, { ...common(stream, sizes), subjects: [`${prefix}*`] })
  }
  for (const { stream, prefix } of [meta, live]) {
    const keys = { subjects: [`${prefix}>`], max_msgs_per_subject: 1, allow_msg_ttl: true }
    await ensure(manager, { ...common(stream, sizes), ...keys, subject_delete_marker_ttl: nanos(MARKER_MS) })
  }
  return { shards, meta, live }
}

/** Names of the streams that NATS does not have any more. Rejects with `unavailable` if it can't tell. */
export async function missingStreams(manager: JetStreamManager, { shards, meta, live }: Streams): Promise<string[]> {
  const found = await namesOf(manager)
  return [...shards, meta, live].map(({ stream }) => stream).filter((stream) => !found.has(stream))
}

async function namesOf(manager: JetStreamManager): Promise<Set<string>> {
  const found = new Set<string>()
  try {
    for await (const name of manager.streams.names()) found.add(name)
  } catch (cause) {
    throw engineErrorOf(cause, 'for the list of streams')
  }
  return found
}

async function checkShards(manager: JetStreamManager, shards: number): Promise<void> {
  let found = await countShards(manager)
  // Another node may be making them, since a new cluster's nodes start together.
  for (let look = 0; look < LOOKS_MAX && found > 0 && found < shards; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    found = await countShards(manager)
  }
  if (found === 0 || found === shards) return
  const message = `the logs of this cluster are spread over ${found} streams, not ${shards}: that is fixed for good`
  throw new EngineError('misconfigured', message)
}

async function countShards(manager: JetStreamManager): Promise<number> {
  let found = 0
  for (const name of await namesOf(manager)) if (name.startsWith(SHARD)) found++
  return found
}

function common(name: string, { replicas }: StreamSizes) {
  return {
    name,
    num_replicas: replicas,
    storage: StorageType.File,
    // With S2, replicas of 2.15.1 that were killed and written to for minutes after could not read their own blocks any more.
    compression: StoreCompression.None,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    allow_direct: true,
    deny_delete: true,
    max_msg_size: MESSAGE_BYTES,
    duplicate_window: nanos(REPEAT_WINDOW_MS),
  } as const
}

async function ensure(manager: JetStreamManager, asked: Partial<StreamConfig> & { name: string }): Promise<void> {
  let given: StreamConfig
  try {
    given = (await manager.streams.add(asked)).config
  } catch (cause) {
    if (!(cause instanceof JetStreamApiError)) throw engineErrorOf(cause, `for the stream ${asked.name}`)
    if (cause.code !== STREAM_NAME_IN_USE) throw refusedStream(asked.name, cause)
    given = await uncompressed(manager, asked.name)
  }
  for (const [field, value] of Object.entries(asked)) {
    const has = given[field as keyof StreamConfig]
    if (JSON.stringify(has) === JSON.stringify(value)) continue
    const message = `the stream ${asked.name} has ${field} ${JSON.stringify(has)}, not ${JSON.stringify(value)}: it belongs to another cluster, or NATS is too old`
    throw new EngineError('misconfigured', message)
  }
}

/** The settings of a stream, which compresses no more: clusters of earlier versions did. Compressed blocks can still be read. */
async function uncompressed(manager: JetStreamManager, name: string): Promise<StreamConfig> {
  try {
    const { config } = await manager.streams.info(name)
    if (config.compression !== StoreCompression.S2) return config
    return (await manager.streams.update(name, { compression: StoreCompression.None })).config
  } catch (cause) {
    throw engineErrorOf(cause, `for the settings of the stream ${name}, which must not be compressed`)
  }
}

function refusedStream(name: string, cause: JetStreamApiError): EngineError {
  const message = `NATS refuses the stream ${name}: ${cause.message}. A cluster of three servers has 3 copies, a single server 1`
  return new EngineError('misconfigured', message, { cause })
}
