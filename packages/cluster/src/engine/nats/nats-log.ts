import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import {
  type EngineLog,
  type EngineMessage,
  MESSAGE_BYTES_MAX,
  type PartMessage,
  type StoredMessage,
} from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { checkSubject } from '../names.ts'
import type { LastMessages } from './last-messages.ts'
import { isRefusal, writeErrorOf } from './nats-errors.ts'
import { readBatch } from './read-batch.ts'
import type { NamedStream } from './streams.ts'

/** Headers that NATS itself sets or reads: they are not the message's. */
const OWN_HEADER = /^Nats-/
const ID_HEADER = 'Nats-Msg-Id'

/** The workspaces' logs on JetStream: a subject each, spread over a few streams. */
export class NatsLog implements EngineLog {
  readonly #link: NatsConnection
  readonly #client: JetStreamClient
  readonly #manager: JetStreamManager
  readonly #lasts: LastMessages
  readonly #shards: readonly NamedStream[]

  constructor(
    link: NatsConnection,
    client: JetStreamClient,
    { manager, lasts }: { readonly manager: JetStreamManager; readonly lasts: LastMessages },
    shards: readonly NamedStream[],
  ) {
    this.#link = link
    this.#client = client
    this.#manager = manager
    this.#lasts = lasts
    this.#shards = shards
  }

  async append(subject: string, message: EngineMessage, expected: number): Promise<{ sequence: number } | 'refused'> {
    const { prefix } = this.#shardOf(subject)
    const { body, id } = message
    if (body.byteLength > MESSAGE_BYTES_MAX) {
      throw new EngineError('invalid', `a message takes at most ${MESSAGE_BYTES_MAX} bytes, not ${body.byteLength}`)
    }
    const own = headers()
    for (const [name, value] of Object.entries(message.headers)) own.set(name, value)
    try {
      const expect = { lastSubjectSequence: expected }
      const ack = await this.#client.publish(prefix + subject, body, { msgID: id, headers: own, expect })
      return { sequence: ack.seq }
    } catch (error) {
      if (isRefusal(error)) return 'refused'
      throw writeErrorOf(error, `the append to ${subject}`)
    }
  }

  async last(subject: string): Promise<StoredMessage | undefined> {
    const { stream, prefix } = this.#shardOf(subject)
    try {
      const found = await this.#lasts.of(stream, prefix + subject)
      return found === undefined ? undefined : storedMessage(found)
    } catch (error) {
      throw writeErrorOf(error, `for the last message of ${subject}`)
    }
  }

  async read(subject: string, after: number, limit: number): Promise<StoredMessage[]> {
    const { stream, prefix } = this.#shardOf(subject)
    return (await readBatch(this.#manager, stream, prefix + subject, after, limit)).map(storedMessage)
  }

  get parts(): number {
    return this.#shards.length
  }

  async readPart(part: number, after: number, limit: number): Promise<PartMessage[]> {
    const { stream, prefix } = this.#part(part)
    const found = await readBatch(this.#manager, stream, `${prefix}>`, after, limit)
    return found.map((message) => ({ ...storedMessage(message), subject: message.subject.slice(prefix.length) }))
  }

  async endOf(part: number): Promise<number> {
    try {
      return (await this.#manager.streams.info(this.#part(part).stream)).state.last_seq
    } catch (error) {
      throw writeErrorOf(error, `for the end of part ${part}`)
    }
  }

  async removeBefore(subject: string, sequence: number): Promise<void> {
    const { stream, prefix } = this.#shardOf(subject)
    // NATS takes a purge up to 0 for one of everything.
    if (sequence < 1) return
    try {
      await this.#manager.streams.purge(stream, { filter: prefix + subject, seq: sequence })
    } catch (error) {
      throw writeErrorOf(error, `the removal of old messages of ${subject}`)
    }
  }

  async subjects(): Promise<string[]> {
    try {
      const found = await Promise.all(
        this.#shards.map(async ({ stream, prefix }) => {
          const { state } = await this.#manager.streams.info(stream, { subjects_filter: `${prefix}>` })
          return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length))
        }),
      )
      return found.flat()
    } catch (error) {
      throw writeErrorOf(error, 'for the list of subjects')
    }
  }

  onAppend(listener: (subject: string, part: number) => void): () => void {
    const subscriptions = this.#shards.map(({ prefix }, part) =>
      this.#link.subscribe(`${prefix}*`, {
        callback: (error, message) => {
          if (error === null) listener(message.subject.slice(prefix.length), part)
        },
      }),
    )
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    }
  }

  #part(part: number): NamedStream {
    const shard = this.#shards[part]
    if (shard !== undefined) return shard
    throw new EngineError('invalid', `the logs have ${this.parts} parts: there is no part ${part}`)
  }

  #shardOf(subject: string): NamedStream {
    const shard = this.#shards[fnv1a(checkSubject(subject)) % this.#shards.length]
    if (shard === undefined) throw new RangeError('there is at least one shard')
    return shard
  }
}

function storedMessage({ seq, header, data }: StoredMsg): StoredMessage {
  return { sequence: seq, id: header.get(ID_HEADER), headers: ownHeaders(header), body: data }
}

function ownHeaders(all: MsgHdrs): Record<string, string> {
  const own: Record<string, string> = {}
  for (const name of all.keys()) {
    if (!OWN_HEADER.test(name)) own[name] = all.get(name)
  }
  return own
}

/** FNV-1a over UTF-16 units, 32 bits. Which shard a workspace has depends on it for good. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}
