import * as Y from 'yjs'
import type { ClaimList } from '../claim-list.ts'
import { CLAIM_LISTS } from '../claim-lists.ts'
import type { LongWork } from '../long-work.ts'
import { setMachines } from '../machines/doc-machines.ts'
import { digestsOf } from '../machines/machine-digest.ts'
import { pruneBeaten } from '../prune-beaten.ts'
import { Authorship, type HoldersOf } from './authorship.ts'
import { type ClaimContext, checkValue, Folds } from './claim-check.ts'
import type { ClientOwners } from './client-owners.ts'
import { KnownClaims } from './known-claims.ts'
import { ListTable } from './list-table.ts'
import { NeighbourOrder } from './neighbour-order.ts'
import { OutdatedClaims } from './outdated-claims.ts'
import { PlacementCost } from './placement-cost.ts'
import { readWaiting } from './read-waiting.ts'
import { type BlocksRefusal, type BlocksWriter, refuse, refuseSquatted } from './refusal.ts'
import { checkRootNames } from './root-names.ts'
import { RunsAnywhere } from './runs-anywhere.ts'
import { type Observed, observeShown } from './shown-changes.ts'
import { SkeletonCheck } from './skeleton-check.ts'
import { checkSplits } from './split-cost.ts'
import { StructGraph } from './struct-graph.ts'
import { checkSubdocuments } from './subdocuments.ts'
import { touchedPaths } from './touched-paths.ts'
import { readTypedItem } from './typed-item.ts'
import { isPlainTyping } from './typing-scan.ts'
import { newClients, preparing, readOrRefusal } from './update-clients.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import { UpdatePlaces } from './update-places.ts'
import type { ReadItem, ReadUpdate } from './update-reader.ts'
import { spoilWaiting } from './waiting-order.ts'
import { checkWaitingOverlap } from './waiting-overlap.ts'
import { WaitingTypes } from './waiting-types.ts'

/** The law as a server sees it; satisfies the server package's `DocumentRules`. */
export interface BlocksDocumentRules {
  /**
   * Opens the rules over one empty document.
   *
   * @param authors bytes from {@link RuledBlocks.encodeAuthors}, kept beside the snapshot that the document is then loaded from.
   * Throws on other bytes.
   * @param holdersOf the actors for whom the server holds a client id under which nobody has written; asked at each inspection.
   */
  open(doc: Y.Doc, authors?: Uint8Array, holdersOf?: HoldersOf): RuledBlocks
  /** The digests of the tables of machines, by name, for clients to compare with their own. */
  readonly machines: Readonly<Record<string, string>>
}

/** Joinery's rules over one document, and their memory of it. Documents of other Yjs applications pass, too, within the limits. */
export class RuledBlocks {
  /** The owners of client ids. */
  readonly owners: ClientOwners
  readonly #authorship: Authorship
  readonly #doc: Y.Doc
  readonly #lists: ListTable
  readonly #waiting: WaitingTypes
  readonly #outdated = new OutdatedClaims()
  #known: KnownClaims | undefined
  /** Steps of placement in the updates that passed, see `placementStepsOfDocumentMax`. */
  #placementSteps = 0

  constructor(doc: Y.Doc, lists: ListTable, authors?: Uint8Array, holdersOf: HoldersOf = () => []) {
    this.#doc = doc
    this.#lists = lists
    this.#authorship = new Authorship(doc, lists, holdersOf)
    this.owners = this.#authorship.owners
    this.#waiting = new WaitingTypes(doc)
    if (lists.machines !== undefined) setMachines(doc, lists.machines)
    if (authors !== undefined) this.owners.restore(authors)
  }

  /** See {@link readTypedItem}: such an update needs no inspection. Changes nothing in the document. */
  readTyped(update: Uint8Array, { isAuthenticated, actor }: BlocksWriter): Y.Item | undefined {
    return readTypedItem(this.#doc, update, isAuthenticated ? this.owners : undefined, actor)
  }

  /** Checks one Yjs V1 update before it is applied. A refused update is refused whole. Changes nothing in the document. */
  inspect(update: Uint8Array, writer: BlocksWriter): BlocksRefusal | undefined {
    const { isAuthenticated, actor } = writer
    // The memory must exist before the first deletion that undo may take back.
    if (isAuthenticated) this.#known ??= new KnownClaims(this.#doc, this.#lists.all)
    if (isPlainTyping(this.#doc, update, isAuthenticated ? this.owners : undefined, actor)) return undefined
    const read = readOrRefusal(update)
    return 'code' in read ? read : this.#inspectRead(update, read, writer)
  }

  /**
   * The steps to an update that `withhold`, `mayBeOthers` and `inspect` need not read any more, until the returned function is called.
   * They yield when `isOver` says that the turn is over. The document may change between them.
   */
  preparing(update: Uint8Array, isOver: () => boolean): LongWork<() => void> {
    return preparing(update, isOver)
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

  /** See {@link Authorship.withhold}. Changes nothing in the document. */
  withhold(update: Uint8Array, writer: BlocksWriter): Uint8Array {
    return this.#authorship.withhold(update, writer)
  }

  /** See {@link Authorship.mayBeOthers}. To be asked before `inspect`, which binds client ids. */
  mayBeOthers(update: Uint8Array, writer: BlocksWriter): boolean {
    return this.#authorship.mayBeOthers(update, writer)
  }

  /** The actors who alone may write under a client id; none when anybody may. */
  ownersOf(client: number): readonly string[] {
    return this.#authorship.ownersOf(client)
  }

  /** Makes `actor` an owner of a client id beside those that have written under it. */
  share(client: number, actor: string): void {
    this.owners.share(client, actor)
  }

  /** Notes that `actor` wrote a record of the log. Called at replay, before the record is applied. */
  recordAuthor(update: Uint8Array, actor: string): void {
    this.#authorship.record(update, actor)
  }

  /** Notes a record that may hold edits of others than `actor`. See {@link Authorship.recordRelay}. */
  recordRelay(update: Uint8Array, actor: string, ownId?: number): void {
    this.#authorship.recordRelay(update, actor, ownId)
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
    return observeShown(
      this.#doc,
      (observed) => {
        this.#rememberShown(observed)
        listener(observed)
      },
      this.#lists.all,
    )
  }

  /**
   * Prunes the blocks whose lists of claims `touched` names: see {@link pruneBeaten}. Deletes, too, what only some may say and others
   * have brought back in an older state. With `isHeld`, does this alone, since others still see the values that are beaten.
   */
  prune(touched: readonly string[], isHeld = false): void {
    this.#outdated.prune(this.#doc)
    if (isHeld) return
    const ids: string[] = []
    for (const path of touched) {
      const end = path.lastIndexOf('/')
      if (end > 0 && this.#lists.get(path.slice(end + 1)) !== undefined) ids.push(path.slice(0, end))
    }
    if (ids.length > 0) pruneBeaten(this.#doc, ids, this.#lists.all)
  }

  /** Claims that programs in the server's process write come by no inspection, and undo may bring them back, too. */
  #rememberShown({ changes, conflicts }: Observed): void {
    if (this.#known === undefined) return
    for (const { block, field, loser } of conflicts) {
      const list = this.#listOf(field)
      if (list !== undefined) this.#known.lose(list, loser, block)
    }
    for (const { block, field, after } of changes) {
      const list = this.#listOf(field)
      if (list === undefined || after === undefined) continue
      if (!this.#known.show(list, after, block)) this.#outdated.add(block, list, after)
    }
  }

  #listOf(field: string): ClaimList | undefined {
    return this.#lists.get(field.slice(0, field.indexOf('/')))
  }

  #inspectRead(bytes: Uint8Array, update: ReadUpdate, writer: BlocksWriter): BlocksRefusal | undefined {
    const doc = this.#doc
    const lists = this.#lists
    const places = new UpdatePlaces(doc, update, lists)
    this.#known ??= new KnownClaims(doc, lists.all)
    const known = this.#known
    const anywhere = new RunsAnywhere(doc)
    const context: ClaimContext = { doc, lists, writer, known, anywhere, folds: new Folds(), passed: [] }
    const skeletons = new SkeletonCheck(doc, update, places, lists)
    const news = new Set(newClients(doc, update))
    // An update may free what waits, and build on it.
    const waitingUpdate = readWaiting(doc)
    const graph = new StructGraph(doc, waitingUpdate === undefined ? [update] : [update, waitingUpdate])
    const order = new NeighbourOrder(graph)
    const writers: number[] = []
    const waiting: ReadItem[] = []
    for (const [client, structs] of update.structs) {
      const kind = skeletons.of(client, structs)
      if (typeof kind === 'object') return kind
      if (kind === 'skeleton') continue
      if (kind === 'writer' && news.has(client)) writers.push(client)
      if (writer.isAuthenticated && news.has(client) && this.#authorship.isOthers(client, kind, writer.actor)) {
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
      checkSubdocuments(doc, update) ??
      (waitingUpdate === undefined ? undefined : checkWaitingOverlap(update, waitingUpdate)) ??
      (writer.isTried ? undefined : checkSplits(doc, bytes, update)) ??
      this.#checkPlacement(update, graph, writer) ??
      this.#waiting.check(waiting, update, places) ??
      this.#authorship.take(writers, writer)
    if (refusal !== undefined) return refusal
    for (const text of context.passed) known.remember(text)
    return undefined
  }

  #checkPlacement(update: ReadUpdate, graph: StructGraph, { isTried }: BlocksWriter): BlocksRefusal | undefined {
    if (isTried) {
      this.#placementSteps = 0
      return undefined
    }
    const { placementStepsMax, placementStepsOfDocumentMax, placementStepsLateMax } = UPDATE_LIMITS
    const isLate = this.#placementSteps > placementStepsOfDocumentMax
    const cost = new PlacementCost(graph, isLate ? placementStepsLateMax : placementStepsMax)
    const refusal = cost.check(update)
    if (refusal === undefined) this.#placementSteps += cost.steps
    return refusal
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
  const machines = digestsOf([...(table.machines?.rules.machines.values() ?? [])])
  return { machines, open: (doc, authors, holdersOf) => new RuledBlocks(doc, table, authors, holdersOf) }
}

/** Joinery's rules for documents of blocks. */
export const documentRules: BlocksDocumentRules = /* @__PURE__ */ defineDocumentRules({ lists: CLAIM_LISTS })

/** Checks one item. Adds a type without a known place to `waiting`. */
function checkItem(
  item: ReadItem,
  places: UpdatePlaces,
  context: ClaimContext,
  waiting: ReadItem[],
): BlocksRefusal | undefined {
  if (places.isInNoType(item)) return refuseSquatted()
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
