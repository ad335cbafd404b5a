/**
 * The cluster's narrow port on a replicated system: logs with compare-and-set, keys that end by themselves, and
 * messages between nodes. Everything of this package stands on it. `describeEngine` in `testing/` is its contract.
 */
export interface Engine {
  /** Name of the system and its version, for people. */
  readonly name: string
  readonly log: EngineLog
  /** Keys that stay until they are deleted. */
  readonly meta: EngineKeys
  /** Keys that end with their time to live. */
  readonly live: EngineKeys
  readonly bus: EngineBus
  readonly leaders: EngineLeaders
  readonly storage: EngineStorage
  /** Ends the connection. Calls under way reject with `unavailable`. Idempotent. */
  close(): Promise<void>
}

/** A message that a node appends. `headers` are ASCII without line breaks; the engine does not read them. */
export interface EngineMessage {
  /** Id of this message, unique among all: within {@link REPEAT_WINDOW_MS} the engine stores it only once. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  /** At most {@link MESSAGE_BYTES_MAX} bytes. */
  readonly body: Uint8Array
}

/** A message as the engine keeps it. `sequence` grows within a subject, with gaps. */
export interface StoredMessage extends EngineMessage {
  readonly sequence: number
}

/** A message of any subject of a part. */
export interface PartMessage extends StoredMessage {
  readonly subject: string
}

/** Time within which a repeated id is known, ms. */
export const REPEAT_WINDOW_MS = 120_000
/** Largest body of a message, bytes. NATS refuses more than 1 MiB with its headers. */
export const MESSAGE_BYTES_MAX = 900 * 1024

/**
 * Append-only logs, one for each subject. A subject is 1 to 1,400 characters of A–Z, a–z, 0–9, `-` and `_`.
 */
export interface EngineLog {
  /**
   * Appends `message`, if the last message of `subject` has the sequence `expected` (0: there is none). Resolves with its
   * sequence once a quorum has it. Resolves with `refused` if the last sequence is another one; nothing is stored then. A
   * message that is stored already is not stored again, and gets its sequence or `refused`. Rejects with `unavailable` if
   * no answer comes: the message may be stored, now or later.
   */
  append(subject: string, message: EngineMessage, expected: number): Promise<{ sequence: number } | 'refused'>
  /** A last message of `subject`. It may be an old one: only an {@link append} on it proves that it is the last. */
  last(subject: string): Promise<StoredMessage | undefined>
  /**
   * Messages of `subject` after the sequence `after`, in order, at most `limit`. A replica that lags gives fewer: an end
   * proves nothing.
   */
  read(subject: string, after: number, limit: number): Promise<StoredMessage[]>
  /** Number of parts over which the subjects are spread. Sequences grow within a part. */
  readonly parts: number
  /**
   * Messages of all subjects of a part (from 0) after the sequence `after`, in order, at most `limit`. As with {@link read} an end
   * proves nothing, but no message before it is left out.
   */
  readPart(part: number, after: number, limit: number): Promise<PartMessage[]>
  /** Sequence of the last message of a part, as some replica has it; 0 for none. */
  endOf(part: number): Promise<number>
  /**
   * Removes the messages of `subject` before the sequence `sequence`. Those from there on stay, and so do the sequences. Removes nothing
   * if that is done already. Resolves once a quorum has it; a replica that lags may give them a little longer.
   */
  removeBefore(subject: string, sequence: number): Promise<void>
  /** Subjects that have messages. */
  subjects(): Promise<string[]>
  /**
   * Calls `listener` with the subject of an append, and its part. That is a hint: it may come without an append, or not at all.
   */
  onAppend(listener: (subject: string, part: number) => void): () => void
}

export interface EngineEntry {
  readonly key: string
  readonly value: Uint8Array
  /** Grows with every write of the key, also over deletions and ends. */
  readonly revision: number
}

/** Keys with values, written by compare-and-set. A key is as a subject of {@link EngineLog}, and may have dots inside. */
export interface EngineKeys {
  /** The entry as the engine's leader has it; undefined if there is none or it has ended. */
  get(key: string): Promise<EngineEntry | undefined>
  /** Makes a key that does not exist. Resolves with its revision, or `refused`. Ends after `ttlMs` (whole seconds). */
  create(key: string, value: Uint8Array, ttlMs?: number): Promise<number | 'refused'>
  /** Writes a key whose revision is `revision`, and begins its time to live anew. */
  update(key: string, value: Uint8Array, revision: number, ttlMs?: number): Promise<number | 'refused'>
  /** Deletes a key whose revision is `revision`. */
  delete(key: string, revision: number): Promise<'deleted' | 'refused'>
  /** All entries, as some replica has them. */
  entries(): Promise<EngineEntry[]>
  /**
   * Calls `listener` with each entry that is there, and then at each change; with `undefined` when a key is deleted or
   * has ended. It may lag. Resolves once the present entries have been told.
   */
  watch(listener: (key: string, entry: EngineEntry | undefined) => void): Promise<() => void>
}

/**
 * Messages to all that listen now: at most once, kept nowhere. A topic is words of A–Z, a–z, 0–9, `-` and `_` with dots
 * between; the last word of a pattern may be `>` for any rest, any other may be `*`.
 */
export interface EngineBus {
  publish(topic: string, data: Uint8Array): void
  subscribe(pattern: string, listener: (topic: string, data: Uint8Array) => void): () => void
  /**
   * Asks one who answers `topic`. Rejects with `no_responders` at once if nobody does, nor listens to it, and with
   * `unavailable` after `timeoutMs`.
   */
  request(topic: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array>
  respond(topic: string, answer: (data: Uint8Array) => Promise<Uint8Array>): () => void
  /** Resolves when the engine knows all that this node listens to and answers. */
  settled(): Promise<void>
}

/** The parts of the engine that order writes. Each has one leader at a time, chosen by the engine's servers. */
export interface EngineLeaders {
  list(): Promise<PartLeader[]>
  /**
   * Has the leader of a part step down. Resolves once there is a leader again. Rejects with `unsupported` if the engine has
   * one server only, with `invalid` for a part that it has not.
   */
  stepDown(part: string): Promise<void>
}

/** Where the engine keeps all of it. */
export interface EngineStorage {
  /** Names of the parts that are gone with all that they had, although the engine answers. */
  missing(): Promise<string[]>
  /** Makes the missing parts anew. They are empty. */
  remake(): Promise<void>
}

export interface PartLeader {
  readonly part: string
  /** Name of the server; undefined while there is none. */
  readonly leader: string | undefined
}
