import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { FrameError } from './frame-error.ts'
import { isIdempotencyKey, KEY_BYTES_MAX } from './idempotency-key.ts'
import type { RejectionCode } from './rejection-code.ts'
import { readUint } from './wire-uint.ts'

const DURABILITIES = ['memory', 'async', 'sync'] as const
const ACCESSES = ['read', 'write'] as const
const OUTCOMES = ['applied', 'repeated', 'unknown', 'refused'] as const

/** First message on a connection that asked for it; sent before the server's SyncStep1. */
export interface Hello {
  type: 'hello'
  /** Id of this workspace's history, made at its creation. A local copy of another generation must not be merged. */
  generation: string
  serverVersion: string
  /** What `durable` means on this server. */
  durability: (typeof DURABILITIES)[number]
  actor: string
  source: string
  access: (typeof ACCESSES)[number]
  /** Bytes of one update frame the server takes once synced. */
  updateBytesMax: number
}
/** The first `frames` update frames (SyncStep2 and Update) of this connection are durable; the log stands at `lsn`. */
export interface Durable {
  type: 'durable'
  frames: number
  lsn: number
}
/** Update frame number `frame` (from 1) was refused whole: nothing of it is applied, logged or forwarded. */
export interface Rejected {
  type: 'rejected'
  frame: number
  code: RejectionCode
  reason: string
}
/** A claim lost to a concurrent one, or a fork's text met what people typed. */
export interface Conflict {
  type: 'conflict'
  block: string
  field: string
  /** Any JSON value; undefined when there is nothing to show. */
  winner: unknown
  /** Any JSON value; undefined when there is nothing to show. */
  loser: unknown
  rule: string
}
/**
 * Whether the server takes updates of this workspace now: sent when that changes, and after hello when it does not. What
 * was sent meanwhile is asked for again by SyncStep1, so a client keeps it and shows why it waits.
 */
export interface Writable {
  type: 'writable'
  isWritable: boolean
  /** Why not; undefined while it does. */
  code: RejectionCode | undefined
  /** For a person; empty while it does. */
  reason: string
}
/** Sent by a client: from now on tell me who last touched what. Answered with every stamp there is, then with news. */
export interface Watch {
  type: 'watch'
}
/** Who last touched something, when and by which record: the server's word. */
export interface ProvenanceStamp {
  /** `block`, `block/field` or deeper. */
  path: string
  lsn: number
  /** Server time, ms since epoch. */
  at: number
  actor: string
  source: string
}
/** Stamps that are new to this client; sent to those who asked with `watch`. */
export interface Provenance {
  type: 'provenance'
  stamps: readonly ProvenanceStamp[]
}
/** Sent by a client: apply `update` unless the workspace knows `key`, and remember the key with it, for good. */
export interface Keyed {
  type: 'keyed'
  /** {@link isIdempotencyKey}. */
  key: string
  /** One Yjs V1 update, apart from the connection's update frames; of no bytes to ask only whether the key is known. */
  update: Uint8Array
}
/** What became of a {@link Keyed}. */
export type KeyedResult = { type: 'keyedResult'; key: string } & (
  | {
      /** It was applied now, or the key was known and nothing was applied; durable, either way. */
      outcome: 'applied' | 'repeated'
      /** Of the record that bears the key. */
      lsn: number
    }
  /** It was only asked for, and is not known. */
  | { outcome: 'unknown' }
  /** Refused whole: nothing of it is applied or logged, and the key stays free. */
  | { outcome: 'refused'; code: RejectionCode; reason: string }
)
export type JoineryMessage = Hello | Durable | Rejected | Conflict | Writable | Watch | Provenance | Keyed | KeyedResult

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
} as const

/**
 * Writes the message's subtype and body. `durable` is binary since it is sent per tick, `keyed` since it holds bytes; the
 * others are JSON, which can grow fields.
 */
export function writeJoineryMessage(encoder: encoding.Encoder, message: JoineryMessage): void {
  encoding.writeVarUint(encoder, SUBTYPE[message.type])
  if (message.type === 'durable') {
    encoding.writeVarUint(encoder, message.frames)
    encoding.writeVarUint(encoder, message.lsn)
    return
  }
  if (message.type === 'keyed') {
    encoding.writeVarString(encoder, message.key)
    encoding.writeVarUint8Array(encoder, message.update)
    return
  }
  const { type: _type, ...body } = message
  encoding.writeVarString(encoder, JSON.stringify(body))
}

/**
 * Reads what {@link writeJoineryMessage} wrote. Undefined for a subtype of a newer server, whose body is skipped; throws
 * {@link FrameError} on a malformed body. Fields of a newer server are left out.
 */
export function readJoineryMessage(decoder: decoding.Decoder): JoineryMessage | undefined {
  switch (readUint(decoder)) {
    case SUBTYPE.hello:
      return readHello(readBody(decoder))
    case SUBTYPE.durable:
      return { type: 'durable', frames: readUint(decoder), lsn: readUint(decoder) }
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
      return readKeyed(decoder)
    case SUBTYPE.keyedResult:
      return readKeyedResult(readBody(decoder))
    default:
      decoder.pos = decoder.arr.length
      return undefined
  }
}

type Body = Readonly<Record<string, unknown>>

function readBody(decoder: decoding.Decoder): Body {
  const body: unknown = JSON.parse(decoding.readVarString(decoder), dropProto)
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new FrameError('the body is no JSON object')
  return body as Body
}

/** An own key `__proto__` is harmless here, and turns into a prototype as soon as somebody copies the object by assignment. */
function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
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
  }
}

function readRejected(body: Body): Rejected {
  // Not held against the list: an older client can still show a newer server's refusal by its reason.
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
  }
}

function readWritable(body: Body): Writable {
  const { isWritable } = body
  if (typeof isWritable !== 'boolean') throw new FrameError('the field isWritable is no boolean')
  const code = isWritable ? undefined : (textOf(body, 'code') as RejectionCode)
  return { type: 'writable', isWritable, code, reason: textOf(body, 'reason') }
}

function readProvenance(body: Body): Provenance {
  if (!Array.isArray(body.stamps)) throw new FrameError('the field stamps is no list')
  const stamps = body.stamps.map((stamp: unknown) => {
    if (typeof stamp !== 'object' || stamp === null) throw new FrameError('a stamp is no object')
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

function readKeyed(decoder: decoding.Decoder): Keyed {
  const key = decoding.readVarString(decoder)
  if (!isIdempotencyKey(key)) throw new FrameError(`a key is text of 1 to ${KEY_BYTES_MAX} bytes`)
  return { type: 'keyed', key, update: decoding.readVarUint8Array(decoder) }
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
  if (typeof value !== 'string') throw new FrameError(`the field ${field} is no text`)
  return value
}

function countOf(body: Body, field: string): number {
  const value = body[field]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new FrameError(`the field ${field} is no whole number from 1`)
  }
  return value
}

function oneOf<Choice extends string>(body: Body, field: string, choices: readonly Choice[]): Choice {
  const value = choices.find((choice) => choice === body[field])
  if (value === undefined) throw new FrameError(`the field ${field} is none of ${choices.join(', ')}`)
  return value
}
