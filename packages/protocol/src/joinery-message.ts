import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { FrameError } from './frame-error.ts'
import { isIdempotencyKey, KEY_BYTES_MAX } from './idempotency-key.ts'
import type { RejectionCode } from './rejection-code.ts'
import { readUint } from './wire-uint.ts'

const DURABILITIES = ['memory', 'async', 'sync'] as const
const ACCESSES = ['read', 'write'] as const
const OUTCOMES = ['applied', 'repeated', 'unknown', 'refused'] as const

/** The first message on a connection that asked for Joinery's message. The server sends it before its SyncStep1. */
export interface Hello {
  type: 'hello'
  /** Id of the workspace's history, made at its creation. A client must not merge a local copy of another generation. */
  generation: string
  serverVersion: string
  /** The durability that a `durable` message promises on this server. */
  durability: (typeof DURABILITIES)[number]
  /**
   * True if `durable` says, too, that a quorum of machines has the edits. `stored` says before that the server has them, as safe as
   * `durability` says.
   */
  isReplicated?: boolean
  actor: string
  source: string
  access: (typeof ACCESSES)[number]
  /** Bytes of the largest update frame that the server takes after the sync. */
  updateBytesMax: number
  /**
   * Digests of the tables by which the server ranks statuses, by the names of their machines; undefined on a server that has none. A
   * client does not show statuses by another table.
   */
  machines?: Readonly<Record<string, string>>
}
/** The first `frames` update frames (SyncStep2 and Update) of this connection are durable; the log stands at `lsn`. */
export interface Durable {
  type: 'durable'
  frames: number
  lsn: number
}
/**
 * The first `frames` update frames of this connection are as safe on this server as `hello` says, and not yet on other machines. A
 * `durable` for them follows, and only that lets a client forget them.
 */
export interface Stored {
  type: 'stored'
  frames: number
  lsn: number
}
/** The server refused update frame number `frame` (from 1) whole: nothing of it is applied, logged or forwarded. */
export interface Rejected {
  type: 'rejected'
  frame: number
  code: RejectionCode
  reason: string
}
/** A claim lost to a concurrent one, or the text of a fork met the edits of people. */
export interface Conflict {
  type: 'conflict'
  block: string
  field: string
  /** Any JSON value; undefined when there is nothing to show. */
  winner: unknown
  /** Any JSON value; undefined when there is nothing to show. */
  loser: unknown
  rule: string
  /** The actor whose client reported the conflict; left out where the server has seen it itself. */
  reportedBy?: string | undefined
}
/**
 * Tells whether the server takes updates of this workspace now. The server sends it at every change, and after `hello` while it
 * takes none. A client keeps the edits that it makes meanwhile and shows why they wait: the server asks for them again by
 * SyncStep1.
 */
export interface Writable {
  type: 'writable'
  isWritable: boolean
  /**
   * Why the server takes no updates: `not_replicated` if it reaches no other machine, and so can't know who serves the workspace.
   * While it takes them: `not_replicated` if they reach no other machine now, and else undefined.
   */
  code: RejectionCode | undefined
  /** The reason in words, for a person; empty without a code. */
  reason: string
}
/** A client asks the server to tell it who last touched what. The server answers with all stamps, then with new ones. */
export interface Watch {
  type: 'watch'
}
/** The last writer of one path, with the time and the record, as the server stamped it. */
export interface ProvenanceStamp {
  /** The path: `block`, `block/field` or deeper. */
  path: string
  lsn: number
  /** Server time, ms since epoch. */
  at: number
  actor: string
  source: string
}
/** Stamps that are new to this client, sent to a client that asked with `watch`. */
export interface Provenance {
  type: 'provenance'
  stamps: readonly ProvenanceStamp[]
}
/** A client asks the server to apply `update` unless the workspace knows `key`, and to keep the key with it for good. */
export interface Keyed {
  type: 'keyed'
  /** An idempotency key: see {@link isIdempotencyKey}. */
  key: string
  /** One Yjs V1 update, which is not counted as an update frame. Empty bytes only ask whether the key is known. */
  update: Uint8Array
  /** Token of a lease: the update is applied only if the lease stands in that turn. */
  lease?: string | undefined
}
/** The outcome of a {@link Keyed}. */
export type KeyedResult = { type: 'keyedResult'; key: string } & (
  | {
      /** `applied`: the update was applied. `repeated`: the key was known, and nothing was applied. Both are durable. */
      outcome: 'applied' | 'repeated'
      /** LSN of the record that has the key. */
      lsn: number
    }
  /** The message only asked for the key, and the key is not known. */
  | { outcome: 'unknown' }
  /** The server refused the update whole: nothing of it is applied or logged, and the key stays free. */
  | { outcome: 'refused'; code: RejectionCode; reason: string }
)
export type JoineryMessage =
  | Hello
  | Durable
  | Stored
  | Rejected
  | Conflict
  | Writable
  | Watch
  | Provenance
  | Keyed
  | KeyedResult

const SUBTYPE = {
  hello: 0,
  durable: 1,
  rejected: 2,
  conflict: 3,
  writable: 4,
  watch: 5,
  provenance: 6,
  keyed: 7,
  keyedResult: 8,
  /** A {@link Keyed} with a lease. A server that does not know it has no leases either. */
  keyedUnderLease: 9,
  stored: 10,
} as const

/**
 * Writes the subtype and the body of the message. `durable` is binary since the server sends it per tick, and `keyed` since it
 * holds bytes. The others are JSON, to which fields can be added.
 */
export function writeJoineryMessage(encoder: encoding.Encoder, message: JoineryMessage): void {
  const isUnderLease = message.type === 'keyed' && message.lease !== undefined
  encoding.writeVarUint(encoder, SUBTYPE[isUnderLease ? 'keyedUnderLease' : message.type])
  if (message.type === 'durable' || message.type === 'stored') {
    encoding.writeVarUint(encoder, message.frames)
    encoding.writeVarUint(encoder, message.lsn)
    return
  }
  if (message.type === 'keyed') {
    encoding.writeVarString(encoder, message.key)
    if (message.lease !== undefined) encoding.writeVarString(encoder, message.lease)
    encoding.writeVarUint8Array(encoder, message.update)
    return
  }
  const { type: _type, ...body } = message
  encoding.writeVarString(encoder, JSON.stringify(body))
}

/**
 * Reads a message that {@link writeJoineryMessage} wrote. Returns undefined for a subtype of a newer server, whose body is
 * skipped. Throws {@link FrameError} on a malformed body. Fields of a newer server are left out.
 */
export function readJoineryMessage(decoder: decoding.Decoder): JoineryMessage | undefined {
  switch (readUint(decoder)) {
    case SUBTYPE.hello:
      return readHello(readBody(decoder))
    case SUBTYPE.durable:
      return { type: 'durable', frames: readUint(decoder), lsn: readUint(decoder) }
    case SUBTYPE.stored:
      return { type: 'stored', frames: readUint(decoder), lsn: readUint(decoder) }
    case SUBTYPE.rejected:
      return readRejected(readBody(decoder))
    case SUBTYPE.conflict:
      return readConflict(readBody(decoder))
    case SUBTYPE.writable:
      return readWritable(readBody(decoder))
    case SUBTYPE.watch:
      readBody(decoder)
      return { type: 'watch' }
    case SUBTYPE.provenance:
      return readProvenance(readBody(decoder))
    case SUBTYPE.keyed:
      return { type: 'keyed', key: readKey(decoder), update: decoding.readVarUint8Array(decoder) }
    case SUBTYPE.keyedUnderLease: {
      const key = readKey(decoder)
      const lease = readLease(decoder)
      return { type: 'keyed', key, lease, update: decoding.readVarUint8Array(decoder) }
    }
    case SUBTYPE.keyedResult:
      return readKeyedResult(readBody(decoder))
    default:
      decoder.pos = decoder.arr.length
      return undefined
  }
}

/** Characters of a lease's token, at most. Real ones have about 40. */
export const LEASE_TOKEN_LENGTH_MAX = 256

type Body = Readonly<Record<string, unknown>>

/** Levels of objects and lists in a message's body, at most. A conflict tells of values that have at most 500; recursion overflows the stack from about 2,000 levels on. */
export const BODY_DEPTH_MAX = 1_000

function readBody(decoder: decoding.Decoder): Body {
  const body: unknown = JSON.parse(decoding.readVarString(decoder))
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new FrameError('the body is not a JSON object')
  dropProto(body)
  return body as Body
}

/**
 * Drops the key `__proto__` at every depth. It is harmless here, but becomes a prototype as soon as code copies the object by assignment.
 * A reviver of `JSON.parse` would do it, too, and takes ten times as long. Throws {@link FrameError} for a body that is nested too deep.
 */
function dropProto(body: object): void {
  let level = [body]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > BODY_DEPTH_MAX) throw new FrameError(`the body is nested deeper than ${BODY_DEPTH_MAX} levels`)
    const inner: object[] = []
    for (const value of level) {
      if (Object.hasOwn(value, '__proto__')) delete (value as Record<string, unknown>)['__proto__']
      for (const item of Array.isArray(value) ? value : Object.values(value)) {
        if (typeof item === 'object' && item !== null) inner.push(item)
      }
    }
    level = inner
  }
}

function readHello(body: Body): Hello {
  return {
    type: 'hello',
    generation: textOf(body, 'generation'),
    serverVersion: textOf(body, 'serverVersion'),
    durability: oneOf(body, 'durability', DURABILITIES),
    actor: textOf(body, 'actor'),
    source: textOf(body, 'source'),
    access: oneOf(body, 'access', ACCESSES),
    updateBytesMax: countOf(body, 'updateBytesMax'),
    ...(body.isReplicated === true && { isReplicated: true }),
    ...(body.machines === undefined ? {} : { machines: textsOf(body, 'machines') }),
  }
}

function textsOf(body: Body, field: string): Readonly<Record<string, string>> {
  const texts = body[field]
  const isRight =
    typeof texts === 'object' &&
    texts !== null &&
    !Array.isArray(texts) &&
    Object.values(texts).every((text) => typeof text === 'string')
  if (!isRight) throw new FrameError(`the field ${field} is not an object of texts`)
  return texts as Readonly<Record<string, string>>
}

function readRejected(body: Body): Rejected {
  // Not checked against the list: a client shows an unknown code of a newer server by its reason.
  const code = textOf(body, 'code') as RejectionCode
  return { type: 'rejected', frame: countOf(body, 'frame'), code, reason: textOf(body, 'reason') }
}

function readConflict(body: Body): Conflict {
  return {
    type: 'conflict',
    block: textOf(body, 'block'),
    field: textOf(body, 'field'),
    winner: body.winner,
    loser: body.loser,
    rule: textOf(body, 'rule'),
    ...(body.reportedBy === undefined ? {} : { reportedBy: textOf(body, 'reportedBy') }),
  }
}

function readWritable(body: Body): Writable {
  const { isWritable } = body
  if (typeof isWritable !== 'boolean') throw new FrameError('the field isWritable is not a boolean')
  const code = isWritable && body.code === undefined ? undefined : (textOf(body, 'code') as RejectionCode)
  return { type: 'writable', isWritable, code, reason: textOf(body, 'reason') }
}

function readProvenance(body: Body): Provenance {
  if (!Array.isArray(body.stamps)) throw new FrameError('the field stamps is not a list')
  const stamps = body.stamps.map((stamp: unknown) => {
    if (typeof stamp !== 'object' || stamp === null) throw new FrameError('a stamp is not an object')
    const fields = stamp as Body
    return {
      path: textOf(fields, 'path'),
      lsn: countOf(fields, 'lsn'),
      at: countOf(fields, 'at'),
      actor: textOf(fields, 'actor'),
      source: textOf(fields, 'source'),
    }
  })
  return { type: 'provenance', stamps }
}

function readKey(decoder: decoding.Decoder): string {
  const key = decoding.readVarString(decoder)
  if (!isIdempotencyKey(key)) throw new FrameError(`a key is text of 1 to ${KEY_BYTES_MAX} bytes`)
  return key
}

function readLease(decoder: decoding.Decoder): string {
  const lease = decoding.readVarString(decoder)
  if (lease === '' || lease.length > LEASE_TOKEN_LENGTH_MAX)
    throw new FrameError(`a lease's token is text of 1 to ${LEASE_TOKEN_LENGTH_MAX} characters`)
  return lease
}

function readKeyedResult(body: Body): KeyedResult {
  const head = { type: 'keyedResult' as const, key: textOf(body, 'key') }
  const outcome = oneOf(body, 'outcome', OUTCOMES)
  if (outcome === 'unknown') return { ...head, outcome }
  if (outcome !== 'refused') return { ...head, outcome, lsn: countOf(body, 'lsn') }
  return { ...head, outcome, code: textOf(body, 'code') as RejectionCode, reason: textOf(body, 'reason') }
}

function textOf(body: Body, field: string): string {
  const value = body[field]
  if (typeof value !== 'string') throw new FrameError(`the field ${field} is not a text`)
  return value
}

function countOf(body: Body, field: string): number {
  const value = body[field]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new FrameError(`the field ${field} is not a whole number of 1 or more`)
  }
  return value
}

function oneOf<Choice extends string>(body: Body, field: string, choices: readonly Choice[]): Choice {
  const value = choices.find((choice) => choice === body[field])
  if (value === undefined) throw new FrameError(`the field ${field} is none of ${choices.join(', ')}`)
  return value
}
