import * as encoding from 'lib0/encoding'
import { cuttingDeletions } from './deletion-cuts.ts'
import { encodeShared } from './shared-encoder.ts'
import { AT_ONCE, doAll, type Pace, PER_LOOK, type Steps } from './steps.ts'
import { cuttingStructs } from './struct-cuts.ts'
import { type ClientSpans as Client, type ReadSpans, readingSpans, type StructSpan as Struct } from './struct-spans.ts'

/** The sizes of the parts of an update. */
export interface PartSizes {
  readonly bytesMax: number
  /** About so many structs go into a part: those of one client stay together if they are few. Any number by default. */
  readonly structsMax?: number | undefined
}

/**
 * Splits one Yjs V1 update into updates of about `bytesMax` bytes each, to be applied in order. Each builds on those before
 * it alone, as far as the update allows, so that a client integrates it at once. A struct of more bytes is cut where it can
 * be: a pasted text is one struct. The deletions come with the last, or after it if they have more bytes. An update of up to `bytesMax`
 * bytes stays as it is, if it has no more than `structsMax` structs. Throws on bytes that are no update.
 */
export function splitUpdate(update: Uint8Array, bytesMax: number, structsMax?: number): readonly Uint8Array[] {
  return doAll(splittingUpdate(update, { bytesMax, structsMax }, AT_ONCE))
}

/** The steps of {@link splitUpdate}. */
export function* splittingUpdate(given: Uint8Array, sizes: PartSizes, pace: Pace): Steps<readonly Uint8Array[]> {
  if (given.length <= sizes.bytesMax && sizes.structsMax === undefined) return [given]
  const spans = yield* readingSpans(given, pace)
  return yield* splittingSpans(given, spans, sizes, pace)
}

/** The steps of {@link splitUpdate} for an update of which some structs were left out of `spans`. */
export function* splittingSpans(
  given: Uint8Array,
  spans: ReadSpans,
  { bytesMax, structsMax = Number.POSITIVE_INFINITY }: PartSizes,
  pace: Pace,
): Steps<readonly Uint8Array[]> {
  const update = yield* cuttingStructs(given, spans, bytesMax, pace)
  const { clients, end } = update === given ? spans : yield* readingSpans(update, pace)
  const groups = yield* gathering(inCausalOrder(clients), bytesMax, structsMax, pace)
  const rangesBytesMax = Math.min(bytesMax, structsMax * RANGE_BYTES)
  const [deletions, ...further] = yield* cuttingDeletions(update.subarray(end), rangesBytesMax, pace)
  if (groups.length === 0) groups.push(new Map())
  const parts: Uint8Array[] = []
  for (const [at, runs] of groups.entries()) {
    parts.push(encodePart(update, runs, at === groups.length - 1 ? deletions : undefined))
    if (pace.isOver) yield
  }
  return [...parts, ...further.map((part) => encodePart(update, new Map(), part))]
}

/** Bytes of the smallest range of deletions. */
const RANGE_BYTES = 2

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

function* gathering(
  structs: Iterable<{ client: Client; struct: Struct }>,
  bytesMax: number,
  structsMax: number,
  pace: Pace,
): Steps<Runs[]> {
  const parts: Runs[] = []
  let runs: Runs = new Map()
  let bytes = 0
  let count = 0
  let gathered = 0
  for (const { client, struct } of structs) {
    const size = struct.to - struct.from
    const isFull = count >= structsMax && (!runs.has(client) || count >= 2 * structsMax)
    if (isFull || (bytes > 0 && bytes + size > bytesMax)) {
      parts.push(runs)
      runs = new Map()
      bytes = 0
      count = 0
    }
    count++
    const run = runs.get(client)
    // At the beginning of a run its clock alone says that structs are missing.
    if (run !== undefined) run.push(struct)
    else if (!struct.isSkip) runs.set(client, [struct])
    bytes += size
    if (++gathered % PER_LOOK === 0 && pace.isOver) yield
  }
  if (runs.size > 0) parts.push(runs)
  return parts
}

function encodePart(update: Uint8Array, runs: Runs, deletions: Uint8Array | undefined): Uint8Array {
  return encodeShared((encoder) => {
    encoding.writeVarUint(encoder, runs.size)
    for (const [{ id }, structs] of runs) {
      encoding.writeVarUint(encoder, structs.length)
      encoding.writeVarUint(encoder, id)
      encoding.writeVarUint(encoder, structs[0]?.clock ?? 0)
      for (const [from, to] of stretches(structs)) encoding.writeUint8Array(encoder, update.subarray(from, to))
    }
    if (deletions === undefined) encoding.writeVarUint(encoder, 0)
    else encoding.writeUint8Array(encoder, deletions)
  })
}

/** The bytes of structs, with neighbours in the update together. */
function* stretches(structs: readonly Struct[]): Generator<[from: number, to: number]> {
  let stretch: [number, number] | undefined
  for (const { from, to } of structs) {
    if (stretch?.[1] === from) stretch[1] = to
    else {
      if (stretch !== undefined) yield stretch
      stretch = [from, to]
    }
  }
  if (stretch !== undefined) yield stretch
}
