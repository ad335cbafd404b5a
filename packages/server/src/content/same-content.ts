import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

type Struct = Y.Item | Y.GC
type Content = Y.Item['content']

/** Structs by client id and clock, in a document or in bytes that were read. */
export interface KnownStructs {
  /** The first clock of a client that is not there. */
  end(client: number): number
  /** The struct that holds a clock below {@link end}; undefined when it can't be told. */
  at(client: number, clock: number): Struct | undefined
}

/** The structs of a document. */
export function structsOf({ store }: Y.Doc): KnownStructs {
  return {
    end: (client) => Y.getState(store, client),
    at: (client, clock) => Y.getItem(store, Y.createID(client, clock)),
  }
}

/**
 * The first client id under which `update` brings other content than is known under the same clocks; undefined when there is
 * none. Yjs tells what it knows by clocks alone: such an update changes nothing, and its sender is never shown what stands there
 * instead. Deleted content can't be compared and counts as the same. Throws what Yjs throws on bytes that are no update.
 *
 * @param decoded the structs of the update, where they are decoded already
 */
export function findOtherContent(
  update: Uint8Array,
  known: KnownStructs,
  decoded?: readonly (Struct | Y.Skip)[],
): number | undefined {
  if (!mayOverlap(update, known.end)) return undefined
  for (const struct of decoded ?? Y.decodeUpdate(update).structs) {
    if (!(struct instanceof Y.Item)) continue
    const { client } = struct.id
    const through = Math.min(struct.id.clock + struct.length, known.end(client))
    for (let clock = struct.id.clock; clock < through; ) {
      const other = known.at(client, clock)
      if (other === undefined) break
      const end = Math.min(other.id.clock + other.length, through)
      if (!isSame(struct, other, clock, end)) return client
      clock = end
    }
  }
  return undefined
}

/**
 * Whether an update may bring clocks that are known, `end` being the first of a client that is not. This runs on every keystroke, so
 * it reads four numbers of the update. Throws lib0's error on bytes that end early.
 */
export function mayOverlap(update: Uint8Array, end: KnownStructs['end']): boolean {
  const clients = update[0]
  if (clients === 0) return false
  if (clients === 1) {
    const decoder = decoding.createDecoder(update)
    decoder.pos = 1
    decoding.readVarUint(decoder)
    const client = decoding.readVarUint(decoder)
    return decoding.readVarUint(decoder) < end(client)
  }
  for (const [client, clock] of Y.parseUpdateMeta(update).from) if (clock < end(client)) return true
  return false
}

function isSame(brought: Y.Item, known: Struct, clock: number, end: number): boolean {
  if (!(known instanceof Y.Item)) return true
  if (!Y.compareIDs(originAt(brought, clock), originAt(known, clock))) return false
  if (!Y.compareIDs(brought.rightOrigin, known.rightOrigin)) return false
  if (!isSamePlace(brought, known)) return false
  const [a, b] = [brought.content, known.content]
  if (a instanceof Y.ContentDeleted || b instanceof Y.ContentDeleted) return true
  const [from, to] = [clock - brought.id.clock, clock - known.id.clock]
  return isSameContent(a, from, b, to, end - clock)
}

/** The id to the left of one clock of an item: within the item, the clock before. */
function originAt({ id, origin }: Y.Item, clock: number): Y.ID | null {
  return clock === id.clock ? origin : Y.createID(id.client, clock - 1)
}

/** Whether two items stand in the same type. An item that stands beside others says so by them alone. */
function isSamePlace(brought: Y.Item, known: Y.Item): boolean {
  if (brought.origin !== null || brought.rightOrigin !== null) return true
  const [a, b] = [parentOf(brought), parentOf(known)]
  return a === undefined || b === undefined || (a === b && brought.parentSub === known.parentSub)
}

function parentOf({ parent }: Y.Item): string | undefined {
  if (parent === null) return undefined
  if (typeof parent === 'string') return parent
  if (parent instanceof Y.ID) return `${parent.client} ${parent.clock}`
  return parent._item === null ? Y.findRootTypeKey(parent) : `${parent._item.id.client} ${parent._item.id.clock}`
}

function isSameContent(a: Content, atA: number, b: Content, atB: number, length: number): boolean {
  if (a.constructor !== b.constructor) return false
  if (a instanceof Y.ContentString && b instanceof Y.ContentString) return isSameText(a.str, atA, b.str, atB, length)
  if (isValues(a) && isValues(b)) {
    return isSameBytes(bytesOfValues(a.arr.slice(atA, atA + length)), bytesOfValues(b.arr.slice(atB, atB + length)))
  }
  return isSameBytes(bytesOf(a), bytesOf(b))
}

/** Yjs writes U+FFFD for each half of a surrogate pair that somebody has written into. */
const TORN = 0xfffd

function isSameText(a: string, atA: number, b: string, atB: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(atA + i), b.charCodeAt(atB + i)]
    if (left !== right && left !== TORN && right !== TORN) return false
  }
  return true
}

function isValues(content: Content): content is Y.ContentAny | Y.ContentJSON {
  return content instanceof Y.ContentAny || content instanceof Y.ContentJSON
}

function bytesOfValues(values: readonly unknown[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const value of values) encoding.writeAny(encoder, value as Parameters<typeof encoding.writeAny>[1])
  return encoding.toUint8Array(encoder)
}

function bytesOf(content: Content): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  content.write(encoder, 0)
  return encoder.toUint8Array()
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
