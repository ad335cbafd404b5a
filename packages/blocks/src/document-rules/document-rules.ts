import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { SKELETON_CLIENT_MIN } from '../block-skeleton.ts'
import type { ClaimList } from '../claim-list.ts'
import { CLAIM_LISTS } from '../claim-lists.ts'
import { pruneBeaten } from '../prune-beaten.ts'
import { type ClaimContext, checkValue, Folds } from './claim-check.ts'
import { ClientOwners } from './client-owners.ts'
import { KnownClaims } from './known-claims.ts'
import { ListTable } from './list-table.ts'
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
  /**
   * Rules over one empty document. `authors` is what {@link RuledBlocks.encodeAuthors} gave beside the snapshot that the
   * document is then loaded from; throws on other bytes.
   */
  open(doc: Y.Doc, authors?: Uint8Array): RuledBlocks
}

/** Joinery's rules over one document, and what they remember of it. Another Yjs document passes, too, within the limits. */
export class RuledBlocks {
  /** Which principal writes under which client id. A server may bind ids that it learns from awareness. */
  readonly owners = new ClientOwners()
  readonly #doc: Y.Doc
  readonly #lists: ListTable
  #known: KnownClaims | undefined

  constructor(doc: Y.Doc, lists: ListTable, authors?: Uint8Array) {
    this.#doc = doc
    this.#lists = lists
    if (authors !== undefined) this.owners.restore(authors)
  }

  /** Checks one Yjs V1 update before it is applied. A refused update is refused whole. Changes nothing in the document. */
  inspect(update: Uint8Array, writer: BlocksWriter): BlocksRefusal | undefined {
    const { isAuthenticated, actor } = writer
    // Before the first deletion that undo might take back.
    if (isAuthenticated) this.#known ??= new KnownClaims(this.#doc, this.#lists.all)
    if (isPlainTyping(this.#doc, update, isAuthenticated ? this.owners : undefined, actor)) return undefined
    const read = readOrRefusal(update)
    return 'code' in read ? read : this.#inspectRead(read, writer)
  }

  /**
   * The part of a client's answer to SyncStep1 that is to be inspected: all but what others own and will bring themselves
   * (`mayRelay`), or have brought already, so that it waits in the document for what it builds on. Changes nothing in the
   * document.
   */
  withhold(answer: Uint8Array, writer: BlocksWriter): Uint8Array {
    const waiting = this.#doc.store.pendingStructs?.update
    if (!writer.isAuthenticated || (!writer.mayRelay && waiting === undefined)) return answer
    const read = readOrRefusal(answer)
    if ('code' in read) return answer
    // Yjs keeps what waits in its second format, whatever format it arrived in.
    const waitingEnds = waiting === undefined ? undefined : Y.parseUpdateMetaV2(waiting).to
    const ends = new Map<number, number>()
    for (const client of newClients(this.#doc, read)) {
      const last = read.structs.get(client)?.at(-1)
      const owner = this.owners.ownerOf(client)
      if (last === undefined || owner === undefined || owner === writer.actor) continue
      const end = last.clock + last.length
      if (writer.mayRelay || end <= (waitingEnds?.get(client) ?? 0)) ends.set(client, end)
    }
    return ends.size === 0 ? answer : Y.diffUpdate(answer, Y.encodeStateVector(ends))
  }

  /** Notes that `actor` wrote a record of the log. Called at replay, before the record is applied. */
  recordAuthor(update: Uint8Array, actor: string): void {
    const sole = soleClient(update)
    // Most records are the next edits of a known writer: those need no closer look.
    if (sole !== undefined && this.owners.ownerOf(sole) === actor) return
    const read = readOrRefusal(update)
    // A record of the log was let in once: it is loaded, also where the limits have tightened since.
    const client = 'structs' in read ? soleWriter(newClients(this.#doc, read)) : undefined
    if (client !== undefined) this.owners.rebind(client, actor)
  }

  /** Everything that {@link owners} holds, to be kept beside a snapshot of the document. */
  encodeAuthors(): Uint8Array {
    return this.owners.encode()
  }

  /** The `block/field` paths that a transaction touched. */
  touched(transaction: Y.Transaction): string[] {
    return touchedPaths(transaction)
  }

  /** Calls `listener` after each transaction that changed an entry or a field, or left a claim beaten. Returns unsubscribe. */
  observe(listener: (observed: Observed) => void): () => void {
    return observeShown(this.#doc, listener, this.#lists.all)
  }

  /** {@link pruneBeaten} on the blocks whose claims `touched` names. */
  prune(touched: readonly string[]): void {
    const ids: string[] = []
    for (const path of touched) {
      const end = path.lastIndexOf('/')
      if (end > 0 && this.#lists.get(path.slice(end + 1)) !== undefined) ids.push(path.slice(0, end))
    }
    if (ids.length > 0) pruneBeaten(this.#doc, ids, this.#lists.all)
  }

  #inspectRead(update: ReadUpdate, writer: BlocksWriter): BlocksRefusal | undefined {
    const doc = this.#doc
    const lists = this.#lists
    const places = new UpdatePlaces(doc, update, lists)
    this.#known ??= new KnownClaims(doc, lists.all)
    const known = this.#known
    const anywhere = new RunsAnywhere(doc)
    const context: ClaimContext = { doc, lists, writer, known, anywhere, folds: new Folds(), passed: [] }
    const clients = newClients(doc, update)
    let emptyTicks = 0
    for (const [client, structs] of update.structs) {
      const state = Y.getState(doc.store, client)
      if (client >= SKELETON_CLIENT_MIN) {
        const refusal = checkSkeleton(structs, state, places, lists)
        if (refusal !== undefined) return refusal
        continue
      }
      const owner = writer.isAuthenticated && clients.includes(client) ? this.owners.ownerOf(client) : undefined
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
    if (writer.isAuthenticated && !writer.mayRelay && own !== undefined) this.owners.bind(own, writer.actor)
    return undefined
  }
}

/** The rules for documents whose blocks have these lists of claims. Throws a plain `TypeError` when two lists share a part. */
export function defineDocumentRules({ lists }: { readonly lists: readonly ClaimList[] }): BlocksDocumentRules {
  const table = new ListTable(lists)
  return { open: (doc, authors) => new RuledBlocks(doc, table, authors) }
}

/** Joinery's rules for documents of blocks. */
export const documentRules: BlocksDocumentRules = /* @__PURE__ */ defineDocumentRules({ lists: CLAIM_LISTS })

/** The client id of an update with the structs of one; undefined for any other. */
function soleClient(update: Uint8Array): number | undefined {
  const decoder = decoding.createDecoder(update)
  if (decoding.readVarUint(decoder) !== 1) return undefined
  decoding.readVarUint(decoder)
  return decoding.readVarUint(decoder)
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
