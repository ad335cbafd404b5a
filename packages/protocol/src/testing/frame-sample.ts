import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import * as authProtocol from 'y-protocols/auth'
import { type AwarenessState, encodeAwarenessStates } from '../awareness.ts'
import {
  encodeAwareness,
  encodeJoinery,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
  MESSAGE,
} from '../frame.ts'
import type { JoineryMessage } from '../joinery-message.ts'
import { REJECTION_CODES } from '../rejection-code.ts'

/** Encodes any frame, for tests. y-protocols encodes the frames that Joinery never sends. */
export function encodeFrame(frame: Frame): Uint8Array {
  switch (frame.type) {
    case 'syncStep1':
      return encodeSyncStep1(frame.stateVector)
    case 'syncStep2':
      return encodeSyncStep2(frame.update)
    case 'update':
      return encodeUpdate(frame.update)
    case 'awareness':
      return encodeAwareness(frame.update)
    case 'queryAwareness':
      return Uint8Array.of(MESSAGE.queryAwareness)
    case 'auth': {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, MESSAGE.auth)
      authProtocol.writePermissionDenied(encoder, frame.reason)
      return encoding.toUint8Array(encoder)
    }
    case 'joinery':
      return frame.message === undefined ? Uint8Array.of(MESSAGE.joinery, 127) : encodeJoinery(frame.message)
    case 'unknown': {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, frame.number)
      return encoding.toUint8Array(encoder)
    }
  }
}

const bytes = fc.uint8Array({ maxLength: 300 })
/** Well-formed Unicode, most of it outside ASCII. */
const text = fc.string({ unit: 'binary', maxLength: 60 })
const count = fc.maxSafeNat()
/** JSON that survives a round trip: without −0, and without the key that decoding drops. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto')))

export const awarenessStates: fc.Arbitrary<AwarenessState[]> = fc.array(
  fc.record({ clientId: count, clock: count, json: fc.json() }),
  { maxLength: 8 },
)

export const joineryMessages: fc.Arbitrary<JoineryMessage> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    generation: text,
    serverVersion: text,
    durability: fc.constantFrom('memory' as const, 'async' as const, 'sync' as const),
    actor: text,
    source: text,
    access: fc.constantFrom('read' as const, 'write' as const),
    updateBytesMax: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    machines: fc.dictionary(fc.constantFrom('file@1', 'constructor', 'scan@2'), text, { noNullPrototype: true }),
  }),
  fc.record({ type: fc.constantFrom('durable' as const, 'stored' as const), frames: count, lsn: count }),
  fc.constant({ type: 'watch' as const }),
  fc.record({
    type: fc.constant('provenance' as const),
    stamps: fc.array(
      fc.record({
        path: text,
        lsn: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        at: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        actor: text,
        source: text,
      }),
      { maxLength: 3 },
    ),
  }),
  fc.oneof(
    fc.record({
      type: fc.constant('writable' as const),
      isWritable: fc.constant(false),
      code: fc.constantFrom(...REJECTION_CODES),
      reason: text,
    }),
    fc.constant({ type: 'writable' as const, isWritable: true, code: undefined, reason: '' }),
    fc.constant({ type: 'writable' as const, isWritable: true, code: 'not_replicated' as const, reason: 'no quorum' }),
  ),
  fc.record({
    type: fc.constant('keyed' as const),
    key: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    update: bytes,
  }),
  fc.record({
    type: fc.constant('keyed' as const),
    key: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    lease: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    update: bytes,
  }),
  fc.record({
    type: fc.constant('keyedResult' as const),
    key: text,
    outcome: fc.constantFrom('applied' as const, 'repeated' as const),
    lsn: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({ type: fc.constant('keyedResult' as const), key: text, outcome: fc.constant('unknown' as const) }),
  fc.record({
    type: fc.constant('keyedResult' as const),
    key: text,
    outcome: fc.constant('refused' as const),
    code: fc.constantFrom(...REJECTION_CODES),
    reason: text,
  }),
  fc.record({
    type: fc.constant('rejected' as const),
    frame: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    code: fc.constantFrom(...REJECTION_CODES),
    reason: text,
  }),
  fc.record({
    type: fc.constant('conflict' as const),
    block: text,
    field: text,
    winner: json,
    loser: json,
    rule: text,
  }),
)

/** Every kind of frame there is. */
export const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('syncStep1' as const), stateVector: bytes }),
  fc.record({ type: fc.constant('syncStep2' as const), update: bytes }),
  fc.record({ type: fc.constant('update' as const), update: bytes }),
  fc.record({ type: fc.constant('awareness' as const), update: awarenessStates.map(encodeAwarenessStates) }),
  fc.constant({ type: 'queryAwareness' as const }),
  fc.record({ type: fc.constant('auth' as const), reason: text }),
  fc.record({ type: fc.constant('joinery' as const), message: fc.option(joineryMessages, { nil: undefined }) }),
)
