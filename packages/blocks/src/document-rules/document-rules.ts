import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { ClaimList } from '../claim-list.ts'
import { CLAIM_LISTS } from '../claim-lists.ts'
import { pruneBeaten } from '../prune-beaten.ts'
import { type ClaimContext, checkValue, Folds } from './claim-check.ts'
import { ClientOwners } from './client-owners.ts'
import { KnownClaims } from './known-claims.ts'
import { ListTable } from './list-table.ts'
import { NeighbourOrder } from './neighbour-order.ts'
import { PlacementCost } from './placement-cost.ts'
import { type BlocksRefusal, type BlocksWriter, refuse } from './refusal.ts'
import { checkRootNames } from './root-names.ts'
import { RunsAnywhere } from './runs-anywhere.ts'
import { type Observed, observeShown } from './shown-changes.ts'
import { SkeletonCheck } from './skeleton-check.ts'
import { StructGraph } from './struct-graph.ts'
import { touchedPaths } from './touched-paths.ts'
import { isPlainTyping } from './typing-scan.ts'
import { Refused, UPDATE_LIMITS } from './update-limits.ts'
import { UpdatePlaces } from './update-places.ts'
import { type ReadItem, type ReadUpdate, readUpdate } from './update-reader.ts'
import { spoilWaiting } from './waiting-order.ts'
import { WaitingTypes } from './waiting-types.ts'

/** The law as a server sees it; satisfies the server package's `DocumentRules`. */
export interface BlocksDocumentRules {
  /**
   * Opens the rules over one empty document.
   *
   * @param authors bytes from {@link RuledBlocks.encodeAuthors}, kept beside the snapshot that the document is then loaded from.
   * Throws on other bytes.
   */
  open(doc: Y.Doc, authors?: Uint8Array): RuledBlocks
}

/** Joinery's rules over one document, and their memory of it. Documents of other Yjs applications pass, too, within the limits. */
export class RuledBlocks {
  /** The owners of client ids. A server may bind ids that it learns from awareness. */
  readonly owners = new ClientOwners()
  readonly #doc: Y.Doc
  readonly #lists: ListTable
  readonly #waiting: WaitingTypes
  #known: KnownClaims | undefined

  constructor(doc: Y.Doc, lists: ListTable, authors?: Uint8Array) {
    this.#doc = doc
    this.#lists = lists
    this.#waiting = new WaitingTypes(doc)
    if (authors !== undefined) this.owners.restore(authors)
  }

  /** Checks one Yjs V1 update before it is applied. A refused update is refused whole. Changes nothing in the document. */
  inspect(update: Uint8Array, writer: BlocksWriter): BlocksRefusal | undefined {
    const { isAuthenticated, actor } = writer
    // The memory must exist before the first deletion that undo may take back.
    if (isAuthenticated) this.#known ??= new KnownClaims(this.#doc, this.#lists.all)
    if (isPlainTyping(this.#doc, update, isAuthenticated ? this.owners : undefined, actor)) return undefined
    const read = readOrRefusal(update)
    return 'code' in read ? read : this.#inspectRead(read, writer)
  }

  /**
   * Makes waiting structs that `update` may free garbage where they break the rules, which nobody could tell when they came. Called
   * just before an update is applied while structs wait.
   */
  spoilWaiting(update: Uint8Array): void {
    if (this.#doc.store.pendingStructs === null) return
    const read = readOrRefusal(update)
    if (!('code' in read)) spoilWaiting(this.#doc, read)
  }

  /**
   * Cuts edits out of a client's answer to SyncStep1 that other writers own: all of them if the client may relay (`mayRelay`),
   * since their owners bring them; otherwise those that wait in the document already for edits they build on. Returns the rest,
   * which is to be inspected. Changes nothing in the document.
   */
  withhold(answer: Uint8Array, writer: BlocksWriter): Uint8Array {
    const waiting = this.#doc.store.pendingStructs?.update
    if (!writer.isAuthenticated || (!writer.mayRelay && waiting === undefined)) return answer
    const read = readOrRefusal(answer)
    if ('code' in read) return answer
    // Yjs keeps waiting structs in its second format, whatever format they arrived in.
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
    // A record of the log passed once. It is loaded, even if the limits have tightened since.
    if ('code' in read) return
    const skeletons = new SkeletonCheck(this.#doc, read, new UpdatePlaces(this.#doc, read, this.#lists), this.#lists)
    const isWriter = (id: number): boolean => skeletons.of(id, read.structs.get(id) ?? []) === 'writer'
    const client = soleWriter(newClients(this.#doc, read).filter(isWriter))
    if (client !== undefined) this.owners.rebind(client, actor)
  }

  /** The {@link owners} as bytes, to be kept beside a snapshot of the document. */
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

  /** Prunes the blocks whose lists of claims `touched` names: see {@link pruneBeaten}. */
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
    const skeletons = new SkeletonCheck(doc, update, places, lists)
    const news = new Set(newClients(doc, update))
    const graph = new StructGraph(doc, [update])
    const order = new NeighbourOrder(graph)
    const writers: number[] = []
    const waiting: ReadItem[] = []
    for (const [client, structs] of update.structs) {
      const kind = skeletons.of(client, structs)
      if (typeof kind === 'object') return kind
      if (kind === 'skeleton') continue
      if (kind === 'writer' && news.has(client)) writers.push(client)
      const owner = writer.isAuthenticated && news.has(client) ? this.owners.ownerOf(client) : undefined
      if (owner !== undefined && owner !== writer.actor) {
        return refuse(
          'client_id_owned',
          `Client id ${client} belongs to another writer: make a new Y.Doc, which gets an id of its own`,
        )
      }
      const state = Y.getState(doc.store, client)
      for (const struct of structs) {
        if (struct.kind !== 'item' || struct.clock + struct.length <= state) continue
        const verdict = order.check(struct)
        const refusal = typeof verdict === 'object' ? verdict : checkItem(struct, places, context, waiting)
        if (refusal !== undefined) return refusal
      }
    }
    const refusal =
      this.#checkCrowd(writers) ??
      checkRootNames(doc, update) ??
      new PlacementCost(graph).check(update) ??
      this.#waiting.check(waiting, update, places)
    if (refusal !== undefined) return refusal
    for (const text of context.passed) known.remember(text)
    const own = soleWriter(writers)
    if (writer.isAuthenticated && !writer.mayRelay && own !== undefined) this.owners.bind(own, writer.actor)
    return undefined
  }

  /** Refuses client ids in such a number that every later edit would be slow. Skeletons do not count: each comes with a block. */
  #checkCrowd(writers: readonly number[]): BlocksRefusal | undefined {
    const { clients } = this.#doc.store
    const fresh = writers.filter((client) => !clients.has(client)).length
    if (fresh <= UPDATE_LIMITS.clientsNewMax || clients.size + fresh <= UPDATE_LIMITS.clientsMax) return undefined
    return refuse(
      'bad_update',
      `The update brings ${fresh} client ids to the ${clients.size} of the document, more than ${UPDATE_LIMITS.clientsMax}, which makes every edit slow: merge the contents under one client id`,
    )
  }
}

/** Makes the rules for documents whose blocks have these lists of claims. Throws a plain `TypeError` when two lists share a part. */
export function defineDocumentRules({ lists }: { readonly lists: readonly ClaimList[] }): BlocksDocumentRules {
  const table = new ListTable(lists)
  return { open: (doc, authors) => new RuledBlocks(doc, table, authors) }
}

/** Joinery's rules for documents of blocks. */
export const documentRules: BlocksDocumentRules = /* @__PURE__ */ defineDocumentRules({ lists: CLAIM_LISTS })

/** The client id of an update that has the structs of one client; undefined for other updates. */
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
    // lib0 throws plain errors on bytes that end early and on numbers out of range. Nothing else throws here.
    return refuse(
      'bad_update',
      `The update is no Yjs V1 update: ${error instanceof Error ? error.message : 'it is unreadable'}`,
    )
  }
}

/** Checks one item. Adds a type without a known place to `waiting`. */
function checkItem(
  item: ReadItem,
  places: UpdatePlaces,
  context: ClaimContext,
  waiting: ReadItem[],
): BlocksRefusal | undefined {
  const { content } = item
  if (content.kind === 'type') {
    const place = places.placeOf(item)
    if (place.role === 'unknown') waiting.push(item)
    else if (place.depth + 1 > UPDATE_LIMITS.typeDepthMax) {
      return refuse('too_deep', `Types nest deeper than ${UPDATE_LIMITS.typeDepthMax} levels: nest them less`)
    }
  }
  if (content.kind !== 'values') return undefined
  for (const value of content.values) {
    if (typeof value !== 'object' || value === null) continue
    const refusal = checkValue(places.placeOf(item), value, context)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** The client ids under which the update brings structs that the document lacks. */
function newClients(doc: Y.Doc, update: ReadUpdate): number[] {
  const clients: number[] = []
  for (const [client, structs] of update.structs) {
    const last = structs.at(-1)
    const brings = last !== undefined && last.clock + last.length > Y.getState(doc.store, client)
    if (brings) clients.push(client)
  }
  return clients
}

/** The only writer of an update, whose own update it then is. Undefined for an update of several writers, which proves nothing. */
function soleWriter(clients: readonly number[]): number | undefined {
  return clients.length === 1 ? clients[0] : undefined
}
