import * as decoding from 'lib0/decoding'
import { doAtOnce, type LongWork } from '../long-work.ts'
import { checkAny, checkJsonText } from './any-check.ts'
import { isDeleteSet } from './delete-set-scan.ts'
import { refuse } from './refusal.ts'
import { Refused, UPDATE_LIMITS } from './update-limits.ts'

export interface StructId {
  readonly client: number
  readonly clock: number
}

/** Content of an item, as far as the rules look at it. */
export type ReadContent =
  | { readonly kind: 'values'; readonly values: readonly unknown[] }
  | { readonly kind: 'type'; readonly typeRef: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'subdocument' }
  | { readonly kind: 'other' }

/** One struct of an update. An item without `parent` takes the parent of its origins. */
export type ReadStruct = ReadGap | ReadItem
export interface ReadGap {
  readonly kind: 'gc' | 'skip'
  readonly client: number
  readonly clock: number
  readonly length: number
}
export interface ReadItem {
  readonly kind: 'item'
  readonly client: number
  readonly clock: number
  readonly length: number
  readonly origin: StructId | undefined
  readonly rightOrigin: StructId | undefined
  /** Name of a root type, or the item that holds the parent type. */
  readonly parent: string | StructId | undefined
  readonly parentSub: string | undefined
  readonly content: ReadContent
}

export interface ReadUpdate {
  /** Structs by client, in the order of their clocks. Only skips are gaps. */
  readonly structs: ReadonlyMap<number, readonly ReadStruct[]>
  /** Offset in the bytes at which the deletions begin. */
  readonly deletionsAt: number
}

/** The kinds of structs, as Yjs numbers them. */
export const STRUCT_REFS = {
  gc: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
  skip: 10,
} as const
const INFO = { contentMask: 0x1f, parentSub: 0x20, rightOrigin: 0x40, origin: 0x80 } as const
const TYPE_REF_MAX = 6
/** Yjs types with a name: XML elements and hooks. */
const NAMED_TYPE_REFS: readonly number[] = [3, 5]

/** Structs, or clients, that are read between two looks at the clock. */
const STRUCTS_PER_LOOK = 128

interface ReadBounds {
  readonly structsMax: number
  readonly deletionsMax: number
}

/** The bounds of a record of the log, which passed those of its time. */
export const UNLIMITED: ReadBounds = { structsMax: Number.POSITIVE_INFINITY, deletionsMax: Number.POSITIVE_INFINITY }

/**
 * Reads one Yjs V1 update without touching a document. Throws {@link Refused} for content that no document may hold (nesting,
 * rounded numbers, impossible clocks) and for more structs or deletions than allowed, and lib0's errors on bytes that are no
 * update.
 */
export function readUpdate(update: Uint8Array, bounds: ReadBounds = UPDATE_LIMITS): ReadUpdate {
  return doAtOnce(readingUpdate(update, bounds, () => false))
}

/** The steps of {@link readUpdate}: it goes on at each `next()`, and yields when `isOver` says that the turn is over. */
export function* readingUpdate(
  update: Uint8Array,
  { structsMax, deletionsMax }: ReadBounds,
  isOver: () => boolean,
): LongWork<ReadUpdate> {
  const decoder = decoding.createDecoder(update)
  const structs = new Map<number, ReadStruct[]>()
  const clients = decoding.readVarUint(decoder)
  let left = structsMax
  for (let i = 0; i < clients; i++) {
    const count = decoding.readVarUint(decoder)
    left -= count
    if (left < 0) throw tooMany()
    const client = decoding.readVarUint(decoder)
    if (structs.has(client)) throw bad('a client id stands twice')
    // JavaScript would round it to the id of another writer. Records of the log were taken as they are.
    if (client > Number.MAX_SAFE_INTEGER && structsMax !== UNLIMITED.structsMax)
      throw bad('a client id has more than 53 bits')
    structs.set(client, yield* readingClientStructs(decoder, client, count, isOver))
    if (i % STRUCTS_PER_LOOK === STRUCTS_PER_LOOK - 1 && isOver()) yield
  }
  const deletionsAt = decoder.pos
  if (!isDeleteSet(decoder, deletionsMax)) throw bad('a deletion is out of range')
  if (decoding.hasContent(decoder)) throw bad('bytes follow its end')
  return { structs, deletionsAt }
}

/** The struct of one client at a clock; undefined where there is none. `structs` are in the order of their clocks. */
export function structAt(structs: readonly ReadStruct[], clock: number): ReadStruct | undefined {
  let low = 0
  let high = structs.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const struct = structs[middle]
    if (struct === undefined) return undefined
    if (clock < struct.clock) high = middle - 1
    else if (clock >= struct.clock + struct.length) low = middle + 1
    else return struct.kind === 'skip' ? undefined : struct
  }
  return undefined
}

function* readingClientStructs(
  decoder: decoding.Decoder,
  client: number,
  count: number,
  isOver: () => boolean,
): LongWork<ReadStruct[]> {
  const structs: ReadStruct[] = []
  let clock = decoding.readVarUint(decoder)
  for (let i = 0; i < count; i++) {
    const struct = readStruct(decoder, client, clock)
    if (struct.length < 1) throw bad('a struct is empty')
    clock += struct.length
    if (clock > UPDATE_LIMITS.clockMax) throw bad('a clock is out of range')
    structs.push(struct)
    if (i % STRUCTS_PER_LOOK === STRUCTS_PER_LOOK - 1 && isOver()) yield
  }
  return structs
}

function readStruct(decoder: decoding.Decoder, client: number, clock: number): ReadStruct {
  const info = decoding.readUint8(decoder)
  const ref = info & INFO.contentMask
  if (ref === STRUCT_REFS.gc) return { kind: 'gc', client, clock, length: decoding.readVarUint(decoder) }
  if (ref === STRUCT_REFS.skip) return { kind: 'skip', client, clock, length: decoding.readVarUint(decoder) }
  const origin = (info & INFO.origin) === 0 ? undefined : readId(decoder, client, clock)
  const rightOrigin = (info & INFO.rightOrigin) === 0 ? undefined : readId(decoder, client, clock)
  let parent: string | StructId | undefined
  let parentSub: string | undefined
  if (origin === undefined && rightOrigin === undefined) {
    parent = decoding.readVarUint(decoder) === 1 ? decoding.readVarString(decoder) : readId(decoder, client, clock)
    if ((info & INFO.parentSub) !== 0) parentSub = decoding.readVarString(decoder)
  }
  const { content, length } = readContent(decoder, ref)
  return { kind: 'item', client, clock, length, origin, rightOrigin, parent, parentSub, content }
}

/** Reads the id that an item builds on. Yjs throws in the middle of integrating an id in its own client's future. */
function readId(decoder: decoding.Decoder, ownClient: number, ownClock: number): StructId {
  const client = decoding.readVarUint(decoder)
  const clock = decoding.readVarUint(decoder)
  if (client === ownClient && clock >= ownClock) throw bad('a struct builds on one after it')
  return { client, clock }
}

const OTHER: ReadContent = { kind: 'other' }
const DELETED: ReadContent = { kind: 'deleted' }
const SUBDOCUMENT: ReadContent = { kind: 'subdocument' }

function readContent(decoder: decoding.Decoder, ref: number): { content: ReadContent; length: number } {
  switch (ref) {
    case STRUCT_REFS.deleted:
      return { content: DELETED, length: decoding.readVarUint(decoder) }
    case STRUCT_REFS.string:
      return { content: OTHER, length: decoding.readVarString(decoder).length }
    case STRUCT_REFS.binary:
      decoding.readVarUint8Array(decoder)
      return { content: OTHER, length: 1 }
    case STRUCT_REFS.any:
      return readValues(decoder, readAnyValue)
    case STRUCT_REFS.json:
      return readValues(decoder, readJsonValue)
    case STRUCT_REFS.embed:
      return { content: { kind: 'values', values: [readJsonValue(decoder)] }, length: 1 }
    case STRUCT_REFS.format:
      decoding.readVarString(decoder)
      readJsonValue(decoder)
      return { content: OTHER, length: 1 }
    case STRUCT_REFS.type:
      return { content: { kind: 'type', typeRef: readTypeRef(decoder) }, length: 1 }
    case STRUCT_REFS.doc:
      decoding.readVarString(decoder)
      readAnyValue(decoder)
      return { content: SUBDOCUMENT, length: 1 }
    default:
      throw bad(`it holds content of unknown kind ${ref}`)
  }
}

function readTypeRef(decoder: decoding.Decoder): number {
  const typeRef = decoding.readVarUint(decoder)
  if (typeRef > TYPE_REF_MAX) throw bad(`it holds a type of unknown kind ${typeRef}`)
  if (NAMED_TYPE_REFS.includes(typeRef)) decoding.readVarString(decoder)
  return typeRef
}

function readValues(
  decoder: decoding.Decoder,
  readValue: (decoder: decoding.Decoder) => unknown,
): { content: ReadContent; length: number } {
  const length = decoding.readVarUint(decoder)
  const values: unknown[] = []
  for (let i = 0; i < length; i++) values.push(readValue(decoder))
  return { content: { kind: 'values', values }, length }
}

function readAnyValue(decoder: decoding.Decoder): unknown {
  const start = decoder.pos
  checkAny(decoder)
  // A value is built only after it was found shallow.
  decoder.pos = start
  return decoding.readAny(decoder)
}

function readJsonValue(decoder: decoding.Decoder): unknown {
  const text = decoding.readVarString(decoder)
  if (text === 'undefined') return undefined
  checkJsonText(text)
  return JSON.parse(text)
}

function tooMany(): Refused {
  return new Refused(
    refuse(
      'too_costly',
      `The update has more than ${UPDATE_LIMITS.structsMax} structs: send the edits in smaller updates`,
    ),
  )
}

function bad(what: string): Refused {
  return new Refused(refuse('bad_update', `The update is no Yjs V1 update: ${what}`))
}
