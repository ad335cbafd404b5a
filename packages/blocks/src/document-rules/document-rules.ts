import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { SKELETON_CLIENT_MIN } from '../block-skeleton.ts'
import { pruneBeaten } from '../prune-beaten.ts'
import { type ClaimContext, checkValue, Folds } from './claim-check.ts'
import { ClientOwners } from './client-owners.ts'
import { KnownClaims } from './known-claims.ts'
import { type BlocksRefusal, type BlocksWriter, refuse } from './refusal.ts'
import { RunsAnywhere } from './runs-anywhere.ts'
import { type Observed, observeShown } from './shown-changes.ts'
import { checkSkeleton } from './skeleton-check.ts'
import { touchedPaths } from './touched-paths.ts'
import { isPlainTyping } from './typing-scan.ts'
import { Refused, UPDATE_LIMITS } from './update-limits.ts'
import { UpdatePlaces } from './update-places.ts'
import { type ReadStruct, type ReadUpdate, readUpdate } from './update-reader.ts'

/** The law as a server sees it; satisfies the server package's `DocumentRules`. */
export interface BlocksDocumentRules {
  /** Looks at one Yjs V1 update before it is applied; a refusal means that nothing of it is. Changes nothing in `doc`. */
  inspect(doc: Y.Doc, update: Uint8Array, writer: BlocksWriter): BlocksRefusal | undefined
  /**
   * What of a client's answer to SyncStep1 is to be looked at: all but what only others may bring and will (`mayRelay`), or
   * have brought already, so that it waits in `doc` for what it builds on. Changes nothing in `doc`.
   */
  withhold(doc: Y.Doc, answer: Uint8Array, writer: BlocksWriter): Uint8Array
  /** Takes over who wrote a logged update; called at replay, before it is applied. */
  recordAuthor(doc: Y.Doc, update: Uint8Array, actor: string): void
  /** What {@link recordAuthor} has learnt of `doc`, to be kept beside a snapshot of it. */
  encodeAuthors(doc: Y.Doc): Uint8Array
  /** Takes that over instead of the records it is from, into a document nobody has written to. Throws on other bytes. */
  restoreAuthors(doc: Y.Doc, authors: Uint8Array): void
  /** The `block/field` paths that a transaction touched: `b1` created or deleted, `b1/content`, `edges/e1`. */
  touched(transaction: Y.Transaction): string[]
  /** Calls `listener` after each transaction that changed an entry or a field, or left a claim beaten. Returns unsubscribe. */
  observe(doc: Y.Doc, listener: (observed: Observed) => void): () => void
  /** {@link pruneBeaten} on the blocks whose claims `touched` names. */
  prune(doc: Y.Doc, touched: readonly string[]): void
}

/** What the rules remember of one document. */
interface DocMemory {
  readonly owners: ClientOwners
  known: KnownClaims | undefined
}
const CLAIM_PART = /\/(?:indexingList|fields)$/
const memories = new WeakMap<Y.Doc, DocMemory>()

function memoryOf(doc: Y.Doc): DocMemory {
  const found = memories.get(doc)
  if (found !== undefined) return found
  const memory: DocMemory = { owners: new ClientOwners(), known: undefined }
  memories.set(doc, memory)
  return memory
}

/**
 * Who owns which client id in a document. A server feeds it while it replays the log (`documentRules.recordAuthor`) and may bind
 * the client ids that it learns from awareness, before their first edit.
 */
export function clientOwners(doc: Y.Doc): ClientOwners {
  return memoryOf(doc).owners
}

function recordAuthor(doc: Y.Doc, update: Uint8Array, actor: string): void {
  const { owners } = memoryOf(doc)
  const sole = soleClient(update)
  // Most records are the next edits of somebody known: those need no closer look.
  if (sole !== undefined && owners.ownerOf(sole) === actor) return
  const read = readOrRefusal(update)
  // What the log holds was let in once; limits that have tightened since are no reason not to load it.
  const client = 'structs' in read ? soleWriter(newClients(doc, read)) : undefined
  if (client !== undefined) owners.rebind(client, actor)
}

/** The client id of an update with the structs of one; undefined for any other. */
function soleClient(update: Uint8Array): number | undefined {
  const decoder = decoding.createDecoder(update)
  if (decoding.readVarUint(decoder) !== 1) return undefined
  decoding.readVarUint(decoder)
  return decoding.readVarUint(decoder)
}

function prune(doc: Y.Doc, touched: readonly string[]): void {
  const ids = touched.filter((path) => CLAIM_PART.test(path)).map((path) => path.slice(0, path.lastIndexOf('/')))
  if (ids.length > 0) pruneBeaten(doc, ids)
}

/** Joinery's rules for documents of blocks. Any other Yjs document passes too, as far as it keeps the limits. */
export const documentRules: BlocksDocumentRules = {
  inspect: (doc, update, writer) => {
    const memory = memoryOf(doc)
    // Before the first deletion that undo might take back.
    if (writer.isAuthenticated) memory.known ??= new KnownClaims(doc)
    if (isPlainTyping(doc, update, writer.isAuthenticated ? memory.owners : undefined, writer.actor)) return undefined
    const read = readOrRefusal(update)
    return 'code' in read ? read : inspectRead(doc, read, writer, memory)
  },
  withhold,
  recordAuthor,
  encodeAuthors: (doc) => memoryOf(doc).owners.encode(),
  restoreAuthors: (doc, authors) => memoryOf(doc).owners.restore(authors),
  touched: touchedPaths,
  observe: observeShown,
  prune,
}

function withhold(doc: Y.Doc, answer: Uint8Array, writer: BlocksWriter): Uint8Array {
  const waiting = doc.store.pendingStructs?.update
  if (!writer.isAuthenticated || (!writer.mayRelay && waiting === undefined)) return answer
  const read = readOrRefusal(answer)
  if ('code' in read) return answer
  const { owners } = memoryOf(doc)
  // Yjs keeps what waits in its second format, whatever it came in.
  const waitingEnds = waiting === undefined ? undefined : Y.parseUpdateMetaV2(waiting).to
  const ends = new Map<number, number>()
  for (const client of newClients(doc, read)) {
    const last = read.structs.get(client)?.at(-1)
    const owner = owners.ownerOf(client)
    if (last === undefined || owner === undefined || owner === writer.actor) continue
    const end = last.clock + last.length
    if (writer.mayRelay || end <= (waitingEnds?.get(client) ?? 0)) ends.set(client, end)
  }
  return ends.size === 0 ? answer : Y.diffUpdate(answer, Y.encodeStateVector(ends))
}

function readOrRefusal(update: Uint8Array): ReadUpdate | BlocksRefusal {
  try {
    return readUpdate(update)
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    // lib0 throws plain errors on bytes that end early or numbers out of range; reading calls nothing else that could.
    return refuse(
      'bad_update',
      `This is no update that Yjs writes: ${error instanceof Error ? error.message : 'unreadable'}`,
    )
  }
}

function inspectRead(
  doc: Y.Doc,
  update: ReadUpdate,
  writer: BlocksWriter,
  memory: DocMemory,
): BlocksRefusal | undefined {
  const places = new UpdatePlaces(doc, update)
  memory.known ??= new KnownClaims(doc)
  const { known } = memory
  const context: ClaimContext = { doc, writer, known, anywhere: new RunsAnywhere(doc), folds: new Folds(), passed: [] }
  const clients = newClients(doc, update)
  let emptyTicks = 0
  for (const [client, structs] of update.structs) {
    const state = Y.getState(doc.store, client)
    if (client >= SKELETON_CLIENT_MIN) {
      const refusal = checkSkeleton(structs, state, places)
      if (refusal !== undefined) return refusal
      continue
    }
    const owner = writer.isAuthenticated && clients.includes(client) ? memory.owners.ownerOf(client) : undefined
    if (owner !== undefined && owner !== writer.actor) {
      return refuse('client_id_owned', `Client id ${client} belongs to another writer; make a new Y.Doc`)
    }
    for (const struct of structs) {
      if (struct.clock + struct.length <= state) continue
      if (struct.kind !== 'item' || struct.content.kind === 'deleted') emptyTicks += struct.length
      const refusal = checkStruct(struct, places, context)
      if (refusal !== undefined) return refusal
    }
  }
  if (emptyTicks > UPDATE_LIMITS.emptyTicksMax)
    return refuse('bad_update', 'Its clocks leap over more than anybody types')
  if (clients.filter((client) => Y.getState(doc.store, client) === 0).length > UPDATE_LIMITS.clientsNewMax) {
    return refuse('bad_update', `It brings more than ${UPDATE_LIMITS.clientsNewMax} new client ids`)
  }
  for (const text of context.passed) known.remember(text)
  const own = soleWriter(clients)
  if (writer.isAuthenticated && !writer.mayRelay && own !== undefined) memory.owners.bind(own, writer.actor)
  return undefined
}

function checkStruct(struct: ReadStruct, places: UpdatePlaces, context: ClaimContext): BlocksRefusal | undefined {
  if (struct.kind !== 'item') return undefined
  const { content } = struct
  if (content.kind === 'type') {
    const place = places.placeOf(struct)
    if (place.role === 'unknown') {
      return refuse('bad_update', 'It builds on edits that have not arrived here; connect again to send all of them')
    }
    if (place.depth + 1 > UPDATE_LIMITS.typeDepthMax) {
      return refuse('too_deep', `Types nest deeper than ${UPDATE_LIMITS.typeDepthMax} levels`)
    }
  }
  if (content.kind !== 'values') return undefined
  for (const value of content.values) {
    if (typeof value !== 'object' || value === null) continue
    const refusal = checkValue(places.placeOf(struct), value, context)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** The writers' client ids under which the update brings something that the document lacks. */
function newClients(doc: Y.Doc, update: ReadUpdate): number[] {
  const clients: number[] = []
  for (const [client, structs] of update.structs) {
    const last = structs.at(-1)
    const brings = last !== undefined && last.clock + last.length > Y.getState(doc.store, client)
    if (brings && client < SKELETON_CLIENT_MIN) clients.push(client)
  }
  return clients
}

/** An update with one writer's new structs is that writer's own; one with several is a relay, which proves nothing. */
function soleWriter(clients: readonly number[]): number | undefined {
  return clients.length === 1 ? clients[0] : undefined
}
