import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { EngineEntry, EngineKeys } from '../engine.ts'
import { checkKey, ttlSeconds } from '../names.ts'
import type { LastMessages } from './last-messages.ts'
import { isRefusal, writeErrorOf } from './nats-errors.ts'
import { readBatch } from './read-batch.ts'
import { MARKER_MS, type NamedStream } from './streams.ts'

type Listener = (key: string, entry: EngineEntry | undefined) => void

/** Header of a deletion, as the clients of NATS write it for their key-value buckets. */
const OPERATION = 'KV-Operation'
/** Header of the marker that NATS itself writes where a message has ended. */
const MARKER = 'Nats-Marker-Reason'
const EMPTY = new Uint8Array()
/** A watch reads what is new when it hears of a write, and at least so often, ms. NATS tells nobody of an end. */
const POLL_MS = 1_000
const READ_LIMIT = 1_000
/** Polls of a watch between two looks at whether the stream was set back. */
const LOOK_POLLS = 5
/** Pause after a read during which more was written, ms: a thousand keys that are made at once are not a thousand reads. */
const GATHER_MS = 50
/** Another one may make and delete a key between a read and a write of ours. */
const CREATE_TRIES = 5

/** Keys on a JetStream stream that keeps the last message of each subject. The revision is the message's sequence. */
export class NatsKeys implements EngineKeys {
  readonly #link: NatsConnection
  readonly #client: JetStreamClient
  readonly #manager: JetStreamManager
  readonly #lasts: LastMessages
  readonly #stream: string
  readonly #prefix: string
  readonly #watches = new Set<() => void>()

  constructor(
    link: NatsConnection,
    client: JetStreamClient,
    { manager, lasts }: { readonly manager: JetStreamManager; readonly lasts: LastMessages },
    named: NamedStream,
  ) {
    this.#link = link
    this.#client = client
    this.#manager = manager
    this.#lasts = lasts
    this.#stream = named.stream
    this.#prefix = named.prefix
  }

  async get(key: string): Promise<EngineEntry | undefined> {
    const found = await this.#last(key)
    return found === undefined || isEnd(found) ? undefined : entryOf(key, found)
  }

  async create(key: string, value: Uint8Array, ttlMs?: number): Promise<number | 'refused'> {
    // Most keys that are made have never been there.
    const first = await this.#write(key, value, 0, ttlMs)
    if (first !== 'refused') return first
    for (let tries = 0; tries < CREATE_TRIES; tries++) {
      const found = await this.#last(key)
      if (found !== undefined && !isEnd(found)) return 'refused'
      const written = await this.#write(key, value, found?.seq ?? 0, ttlMs)
      if (written !== 'refused') return written
    }
    return 'refused'
  }

  async update(key: string, value: Uint8Array, revision: number, ttlMs?: number): Promise<number | 'refused'> {
    // A revision is not enough: the last message may be the end that NATS wrote for this key.
    return revision < 1 ? 'refused' : await this.#write(key, value, revision, ttlMs)
  }

  async delete(key: string, revision: number): Promise<'deleted' | 'refused'> {
    const deletion = headers()
    deletion.set(OPERATION, 'DEL')
    const written = await this.#write(key, EMPTY, revision, MARKER_MS, deletion)
    return written === 'refused' ? 'refused' : 'deleted'
  }

  async entries(): Promise<EngineEntry[]> {
    const entries = new Map<string, EngineEntry>()
    await this.#readAfter(0, (key, entry) => {
      if (entry === undefined) entries.delete(key)
      else entries.set(key, entry)
    })
    return [...entries.values()]
  }

  async watch(listener: Listener): Promise<() => void> {
    let isStopped = false
    let isReading = false
    let isAskedAgain = false
    let isSetBack = false
    let after = 0
    const told = new Set<string>()
    const tell: Listener = (key, entry) => {
      if (entry === undefined) told.delete(key)
      else told.add(key)
      if (!isStopped) listener(key, entry)
    }
    // Nothing of before is there, whatever is written anew under the same keys.
    const begin = (): void => {
      isSetBack = false
      after = 0
      for (const key of [...told]) tell(key, undefined)
    }
    const readOn = async (): Promise<void> => {
      isReading = true
      try {
        do {
          isAskedAgain = false
          if (isSetBack) begin()
          after = await this.#readAfter(after, tell)
          if (isAskedAgain && !isStopped) await delay(GATHER_MS)
        } while (isAskedAgain && !isStopped)
      } finally {
        isReading = false
      }
    }
    const wake = (): void => {
      isAskedAgain = true
      // A read that fails is made again with the next poll.
      if (!isReading) readOn().catch(() => undefined)
    }
    const subscription = this.#link.subscribe(`${this.#prefix}>`, { callback: wake })
    const look = async (): Promise<void> => {
      const { state } = await this.#manager.streams.info(this.#stream)
      if (state.last_seq < after) isSetBack = true
      wake()
    }
    let polls = 0
    // A look that fails is made again, too.
    const timer = setInterval(() => (++polls % LOOK_POLLS === 0 ? void look().catch(() => undefined) : wake()), POLL_MS)
    timer.unref()
    const stop = (): void => {
      isStopped = true
      clearInterval(timer)
      subscription.unsubscribe()
      this.#watches.delete(stop)
    }
    this.#watches.add(stop)
    try {
      await readOn()
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  /** Ends all watches. */
  close(): void {
    for (const stop of [...this.#watches]) stop()
  }

  async #last(key: string): Promise<StoredMsg | undefined> {
    const subject = this.#prefix + checkKey(key)
    try {
      return await this.#lasts.of(this.#stream, subject)
    } catch (error) {
      throw writeErrorOf(error, `for the key ${key}`)
    }
  }

  async #write(
    key: string,
    value: Uint8Array,
    expected: number,
    ttlMs: number | undefined,
    own = headers(),
  ): Promise<number | 'refused'> {
    const ttl = ttlMs === undefined ? {} : { ttl: `${ttlSeconds(ttlMs)}s` }
    const expect = { lastSubjectSequence: expected }
    try {
      return (await this.#client.publish(this.#prefix + checkKey(key), value, { ...ttl, headers: own, expect })).seq
    } catch (error) {
      if (isRefusal(error)) return 'refused'
      throw writeErrorOf(error, `the write of the key ${key}`)
    }
  }

  /** Tells all changes after a sequence. Resolves with the last sequence. */
  async #readAfter(after: number, tell: Listener): Promise<number> {
    for (;;) {
      const found = await readBatch(this.#manager, this.#stream, `${this.#prefix}>`, after, READ_LIMIT)
      for (const message of found) {
        const key = message.subject.slice(this.#prefix.length)
        tell(key, isEnd(message) ? undefined : entryOf(key, message))
        after = message.seq
      }
      if (found.length < READ_LIMIT) return after
    }
  }
}

function isEnd({ header }: StoredMsg): boolean {
  return header.has(MARKER) || header.get(OPERATION) === 'DEL'
}

function entryOf(key: string, { data, seq }: StoredMsg): EngineEntry {
  return { key, value: data, revision: seq }
}
