import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Why an update was refused. The closed list is in SPEC.md; a client shows an unknown one by its reason. */
export type RejectionCode =
  | 'read_only'
  | 'too_large'
  | 'bad_update'
  | 'forbidden_actor'
  | 'forbidden_source'
  | 'bad_claim'
  | 'foreign_run'
  | 'forged_skeleton'
  | 'client_id_owned'
  | 'too_deep'
  | 'forbidden_key'
  | 'pending_too_large'
  | 'storage_full'
  | 'storage_failed'
  | 'quarantined'

/** First message on a connection that asked for it; sent before the server's SyncStep1. */
export interface Hello {
  type: 'hello'
  /** Id of this workspace's history, made at its creation. A local copy of another generation must not be merged. */
  generation: string
  serverVersion: string
  /** What `durable` means on this server. */
  durability: 'memory' | 'async' | 'sync'
  actor: string
  source: string
  access: 'read' | 'write'
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
  winner: unknown
  loser: unknown
  rule: string
}
export type JoineryMessage = Hello | Durable | Rejected | Conflict

const SUBTYPE = { hello: 0, durable: 1, rejected: 2, conflict: 3 } as const

/** Writes the message's subtype and body. `durable` is binary since it is sent per tick; the rare ones are JSON, which can grow fields. */
export function writeJoineryMessage(encoder: encoding.Encoder, message: JoineryMessage): void {
  encoding.writeVarUint(encoder, SUBTYPE[message.type])
  if (message.type === 'durable') {
    encoding.writeVarUint(encoder, message.frames)
    encoding.writeVarUint(encoder, message.lsn)
    return
  }
  const { type: _type, ...body } = message
  encoding.writeVarString(encoder, JSON.stringify(body))
}

/** Reads what {@link writeJoineryMessage} wrote; undefined for a subtype of a newer server. Throws on a malformed body. */
export function readJoineryMessage(decoder: decoding.Decoder): JoineryMessage | undefined {
  const subtype = decoding.readVarUint(decoder)
  if (subtype === SUBTYPE.durable) {
    const frames = decoding.readVarUint(decoder)
    return { type: 'durable', frames, lsn: decoding.readVarUint(decoder) }
  }
  const type = (['hello', 'rejected', 'conflict'] as const).find((name) => SUBTYPE[name] === subtype)
  if (type === undefined) return undefined
  return { ...JSON.parse(decoding.readVarString(decoder)), type }
}
