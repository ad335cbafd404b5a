import * as Y from 'yjs'

/** Structs that one look reads: a fraction of a ms for each thousand. A document of 50,000 blocks has 450,000. */
const STRUCTS_PER_LOOK = 50_000
/** All structs are read again when the values have grown by this much since, bytes, or by half: values that were deleted meanwhile go. */
const RECOUNT_BYTES = 4 * 1024 * 1024

/** Memory of V8 for one value, bytes: its place in a list or object, and what stands behind it. */
const PLACE = 8
const NUMBER = 16
const TEXT = 24
const OBJECT = 56
const BYTES = 200

/**
 * The memory of the values in a document: numbers, texts and objects of lists, maps and formats, without the characters of texts. An empty
 * object is two bytes of an update and 64 in memory, so the bytes of a document do not tell. Each look reads what is new since the last one.
 */
export class ValueMemory {
  /** By client: the clock up to which its structs were read. */
  #read = new Map<number, number>()
  /** Memory of the structs that were read since the last count began. */
  #bytes = 0
  /** Memory at the end of that count, which had nothing that was deleted before. */
  #counted: number | undefined
  /** Memory as of before a count that is under way. */
  #before = 0

  /** Bytes, by estimate. Of a document with many new structs, it may lag some looks behind. */
  look({ store }: Y.Doc): number {
    let left = STRUCTS_PER_LOOK
    for (const [client, structs] of store.clients) {
      left = this.#readStructs(client, structs as Y.Item[], left)
      if (left === 0) return Math.max(this.#bytes, this.#before)
    }
    const bytes = this.#bytes
    this.#counted ??= bytes
    this.#before = 0
    if (bytes > this.#counted * 1.5 + RECOUNT_BYTES) this.#beginAnew()
    return bytes
  }

  /** Reads at most `most` structs. Returns how many more may be read. */
  #readStructs(client: number, structs: readonly Y.Item[], most: number): number {
    const last = structs.at(-1)
    const from = this.#read.get(client) ?? 0
    if (last === undefined || from >= last.id.clock + last.length) return most
    let left = most
    let to = from
    for (let at = Y.findIndexSS(structs as Y.Item[], from); at < structs.length && left > 0; at++, left--) {
      const struct = structs[at] as Y.Item | Y.GC
      this.#bytes += memoryOfStruct(struct, to - struct.id.clock)
      to = struct.id.clock + struct.length
    }
    this.#read.set(client, to)
    return left
  }

  #beginAnew(): void {
    this.#before = this.#bytes
    this.#counted = undefined
    this.#bytes = 0
    this.#read = new Map()
  }
}

function memoryOfStruct(struct: Y.Item | Y.GC, offset: number): number {
  if (!(struct instanceof Y.Item)) return 0
  const { content } = struct
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) return memoryOfValues(content.arr, offset)
  if (content instanceof Y.ContentEmbed) return memoryOfValues([content.embed], 0)
  return content instanceof Y.ContentFormat ? memoryOfValues([content.value], 0) : 0
}

/** Adds up the values from `offset` on and all that is in them, however deep. */
function memoryOfValues(values: readonly unknown[], offset: number): number {
  let bytes = 0
  const nested: unknown[] = []
  const take = (value: unknown): void => {
    bytes += PLACE
    if (typeof value === 'number') bytes += NUMBER
    else if (typeof value === 'string') bytes += TEXT
    else if (typeof value === 'bigint') bytes += TEXT
    else if (typeof value === 'object' && value !== null) nested.push(value)
  }
  for (let at = offset; at < values.length; at++) take(values[at])
  for (let value = nested.pop(); value !== undefined; value = nested.pop()) {
    bytes += value instanceof Uint8Array ? BYTES : OBJECT
    if (Array.isArray(value)) for (const inner of value) take(inner)
    else if (!(value instanceof Uint8Array)) {
      const object = value as Record<string, unknown>
      for (const key of Object.keys(object)) take(object[key])
    }
  }
  return bytes
}
