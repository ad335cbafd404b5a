import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type Stamp, Stamps } from './stamps.ts'

/**
 * Writes a table of stamps. Every name and every record's stamp is written once. Every path is written as the length of
 * the prefix that it shares with the path before, and the rest. 50,000 paths of 10,000 blocks take about 600 kB.
 */
export function writeStamps(encoder: encoding.Encoder, stamps: Stamps): void {
  const names = new Table<string>()
  const records = new Table<number>()
  const byRecord: Stamp[] = []
  const body = encoding.createEncoder()
  let before = ''
  for (const [path, stamp] of stamps.entries()) {
    const record = records.indexOf(stamp.lsn)
    if (record === byRecord.length) byRecord.push(stamp)
    const shared = sharedLength(before, path)
    encoding.writeVarUint(body, shared)
    encoding.writeVarString(body, path.slice(shared))
    encoding.writeVarUint(body, record)
    before = path
  }
  const head = encoding.createEncoder()
  let [lsn, at] = [0, 0]
  for (const stamp of byRecord) {
    encoding.writeVarInt(head, stamp.lsn - lsn)
    encoding.writeVarInt(head, stamp.at - at)
    encoding.writeVarUint(head, names.indexOf(stamp.actor))
    encoding.writeVarUint(head, names.indexOf(stamp.source))
    lsn = stamp.lsn
    at = stamp.at
  }
  encoding.writeVarUint(encoder, names.size)
  for (const name of names.values()) encoding.writeVarString(encoder, name)
  encoding.writeVarUint(encoder, byRecord.length)
  encoding.writeUint8Array(encoder, encoding.toUint8Array(head))
  encoding.writeVarUint(encoder, stamps.size)
  encoding.writeUint8Array(encoder, encoding.toUint8Array(body))
}

/** Reads the bytes of {@link writeStamps}. Throws on other bytes. */
export function readStamps(decoder: decoding.Decoder): Stamps {
  const names = Array.from({ length: readCount(decoder) }, () => decoding.readVarString(decoder))
  let [lsn, at] = [0, 0]
  const records = Array.from({ length: readCount(decoder) }, (): Stamp => {
    lsn += decoding.readVarInt(decoder)
    at += decoding.readVarInt(decoder)
    return { lsn, at, actor: readOneOf(names, decoder), source: readOneOf(names, decoder) }
  })
  let before = ''
  const entries = Array.from({ length: readCount(decoder) }, (): [string, Stamp] => {
    before = before.slice(0, decoding.readVarUint(decoder)) + decoding.readVarString(decoder)
    return [before, readOneOf(records, decoder)]
  })
  return new Stamps(entries)
}

/** Numbers values in the order of their first appearance. */
class Table<Value> {
  readonly #indexes = new Map<Value, number>()

  indexOf(value: Value): number {
    const known = this.#indexes.get(value)
    if (known !== undefined) return known
    const index = this.#indexes.size
    this.#indexes.set(value, index)
    return index
  }

  get size(): number {
    return this.#indexes.size
  }

  values(): Iterable<Value> {
    return this.#indexes.keys()
  }
}

/**
 * Reads a count of entries. An entry takes at least a byte, so a count above the bytes left is wrong and must allocate
 * nothing.
 */
function readCount(decoder: decoding.Decoder): number {
  const count = decoding.readVarUint(decoder)
  if (count > decoder.arr.length - decoder.pos)
    throw new RangeError(`${count} entries do not fit into the bytes that are left`)
  return count
}

function readOneOf<Value>(values: readonly Value[], decoder: decoding.Decoder): Value {
  const value = values[decoding.readVarUint(decoder)]
  if (value === undefined) throw new RangeError('a stamp refers to an entry that its table lacks')
  return value
}

/** Length of the common prefix, UTF-16 units. Never ends within a surrogate pair, which UTF-8 could not encode. */
function sharedLength(a: string, b: string): number {
  const max = Math.min(a.length, b.length)
  let length = 0
  while (length < max && a.charCodeAt(length) === b.charCodeAt(length)) length++
  const last = a.charCodeAt(length - 1)
  return last >= 0xd800 && last < 0xdc00 ? length - 1 : length
}
