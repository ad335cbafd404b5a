import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Low bits of a struct's first byte: what it holds. The rest are flags. */
const CONTENT = 0b11111
const HAS_ORIGIN = 0b1000_0000
const HAS_RIGHT_ORIGIN = 0b0100_0000
const HAS_PARENT_SUB = 0b0010_0000
/** Content numbers of Yjs' V1 encoding. */
const GC = 0
const SKIP = 10
/** Types that have a name of their own: XML elements and hooks. */
const NAMED_TYPES = new Set([3, 5])

/** One struct as it stands in the update. */
interface Struct {
  readonly from: number
  readonly to: number
  readonly clock: number
  readonly length: number
  readonly isSkip: boolean
  /** Clients and clocks of the structs that it builds on, by turns. */
  readonly needs: readonly number[]
}

interface Client {
  readonly id: number
  readonly structs: Struct[]
  /** First struct that is in no part yet. */
  next: number
}

/**
 * Splits one Yjs V1 update into updates of about `bytesMax` bytes each, to be applied in order. Each builds on those before
 * it alone, as far as the update allows, so that a client integrates it at once; a struct is never split. The deletions come
 * with the last. An update of up to `bytesMax` bytes stays as it is. Throws on bytes that are no update.
 */
export function splitUpdate(update: Uint8Array, bytesMax: number): readonly Uint8Array[] {
  if (update.length <= bytesMax) return [update]
  const decoder = decoding.createDecoder(update)
  const clients = readClients(decoder)
  const deletions = update.subarray(decoder.pos)
  const parts = gather(inCausalOrder(clients), bytesMax).map((runs, at, { length }) =>
    encodePart(update, runs, at === length - 1 ? deletions : undefined),
  )
  return parts.length === 0 ? [update] : parts
}

function readClients(decoder: decoding.Decoder): Map<number, Client> {
  const clients = new Map<number, Client>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const count = decoding.readVarUint(decoder)
    const id = decoding.readVarUint(decoder)
    let clock = decoding.readVarUint(decoder)
    const structs: Struct[] = []
    for (let at = 0; at < count; at++) {
      const struct = readStruct(decoder, clock)
      structs.push(struct)
      clock += struct.length
    }
    clients.set(id, { id, structs, next: 0 })
  }
  return clients
}

function readStruct(decoder: decoding.Decoder, clock: number): Struct {
  const from = decoder.pos
  const info = decoding.readUint8(decoder)
  const content = info & CONTENT
  const needs: number[] = []
  const readId = (): void => void needs.push(decoding.readVarUint(decoder), decoding.readVarUint(decoder))
  let length: number
  if (content === GC || content === SKIP) length = decoding.readVarUint(decoder)
  else {
    if (info & HAS_ORIGIN) readId()
    if (info & HAS_RIGHT_ORIGIN) readId()
    if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
      if (decoding.readVarUint(decoder) === 1) decoding.readVarString(decoder)
      else readId()
      if (info & HAS_PARENT_SUB) decoding.readVarString(decoder)
    }
    length = readContent(decoder, content)
  }
  return { from, to: decoder.pos, clock, length, isSkip: content === SKIP, needs }
}

/** Reads a struct's content and returns how many clocks it takes. */
function readContent(decoder: decoding.Decoder, content: number): number {
  const repeat = (count: number, read: () => unknown): number => {
    for (let left = count; left > 0; left--) read()
    return count
  }
  switch (content) {
    case 1: // deleted
      return decoding.readVarUint(decoder)
    case 2: // JSON
      return repeat(decoding.readVarUint(decoder), () => decoding.readVarString(decoder))
    case 3: // binary
      decoding.readVarUint8Array(decoder)
      return 1
    case 4: // string
      return decoding.readVarString(decoder).length
    case 5: // embed
      decoding.readVarString(decoder)
      return 1
    case 6: // format
      decoding.readVarString(decoder)
      decoding.readVarString(decoder)
      return 1
    case 7: // type
      if (NAMED_TYPES.has(decoding.readVarUint(decoder))) decoding.readVarString(decoder)
      return 1
    case 8: // any
      return repeat(decoding.readVarUint(decoder), () => decoding.readAny(decoder))
    case 9: // subdocument
      decoding.readVarString(decoder)
      decoding.readAny(decoder)
      return 1
    default:
      throw new Error(`content ${content} is none of Yjs V1`)
  }
}

/** The structs one after the other, each after those that it builds on. A struct that builds on structs of elsewhere keeps its place. */
function* inCausalOrder(clients: ReadonlyMap<number, Client>): Generator<{ client: Client; struct: Struct }> {
  for (const first of clients.values()) {
    const stack = [first]
    for (let client = stack.at(-1); client !== undefined; client = stack.at(-1)) {
      const struct = client.structs[client.next]
      if (struct === undefined) {
        stack.pop()
        continue
      }
      const needed = missing(struct, clients)
      // A circle of needs is no honest update: it goes on in the order of the bytes.
      if (needed !== undefined && !stack.includes(needed)) {
        stack.push(needed)
        continue
      }
      client.next++
      yield { client, struct }
      // Back to the client that waited for this one, as soon as its need is met.
      if (stack.length > 1) stack.pop()
    }
  }
}

/** The client whose next structs have to come before `struct`; undefined when all that it builds on is out, or elsewhere. */
function missing({ needs }: Struct, clients: ReadonlyMap<number, Client>): Client | undefined {
  for (let at = 0; at < needs.length; at += 2) {
    const client = clients.get(needs[at] as number)
    const next = client?.structs[client.next]
    if (next !== undefined && next.clock <= (needs[at + 1] as number)) return client
  }
  return undefined
}

type Runs = Map<Client, Struct[]>

function gather(structs: Iterable<{ client: Client; struct: Struct }>, bytesMax: number): Runs[] {
  const parts: Runs[] = []
  let runs: Runs = new Map()
  let bytes = 0
  for (const { client, struct } of structs) {
    const size = struct.to - struct.from
    if (bytes > 0 && bytes + size > bytesMax) {
      parts.push(runs)
      runs = new Map()
      bytes = 0
    }
    const run = runs.get(client)
    // At the beginning of a run its clock alone says that structs are missing.
    if (run !== undefined) run.push(struct)
    else if (!struct.isSkip) runs.set(client, [struct])
    bytes += size
  }
  if (runs.size > 0) parts.push(runs)
  return parts
}

function encodePart(update: Uint8Array, runs: Runs, deletions: Uint8Array | undefined): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, runs.size)
  for (const [{ id }, structs] of runs) {
    encoding.writeVarUint(encoder, structs.length)
    encoding.writeVarUint(encoder, id)
    encoding.writeVarUint(encoder, structs[0]?.clock ?? 0)
    for (const { from, to } of structs) encoding.writeUint8Array(encoder, update.subarray(from, to))
  }
  if (deletions === undefined) encoding.writeVarUint(encoder, 0)
  else encoding.writeUint8Array(encoder, deletions)
  return encoding.toUint8Array(encoder)
}
