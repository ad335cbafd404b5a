import * as Y from 'yjs'
import { ClientOwners } from './client-owners.ts'
import type { ListTable } from './list-table.ts'
import { type BlocksRefusal, type BlocksWriter, refuse } from './refusal.ts'
import { SkeletonCheck } from './skeleton-check.ts'
import { newClients, readOrRefusal, soleClient } from './update-clients.ts'
import { UPDATE_LIMITS } from './update-limits.ts'
import { UpdatePlaces } from './update-places.ts'
import { type ReadUpdate, UNLIMITED } from './update-reader.ts'

/** Tells the actors for whom a server holds a client id under which nothing is written yet. */
export type HoldersOf = (client: number) => readonly string[]

/** The writer of a client id's structs, as far as the update and the document tell. */
type Kind = 'writer' | 'undecided'

/** Tells which actor may write under which client id of one document, and which ids an update binds: the table of rule B65. */
export class Authorship {
  readonly owners = new ClientOwners()
  readonly #doc: Y.Doc
  readonly #lists: ListTable
  readonly #holdersOf: HoldersOf

  constructor(doc: Y.Doc, lists: ListTable, holdersOf: HoldersOf) {
    this.#doc = doc
    this.#lists = lists
    this.#holdersOf = holdersOf
  }

  /** The actors who alone may write under a client id; none when anybody may. */
  ownersOf(client: number): readonly string[] {
    return this.owners.hasOwner(client) ? this.owners.ownersOf(client) : this.#holdersOf(client)
  }

  /** Whether new structs under a client id are somebody else's. An id can be held for nobody as long as it may be a skeleton's. */
  isOthers(client: number, kind: Kind, actor: string): boolean {
    const owners = kind === 'writer' ? this.ownersOf(client) : this.owners.ownersOf(client)
    return owners.length > 0 && !owners.includes(actor)
  }

  /**
   * Whether an update may hold edits that its sender did not write: edits under a client id without an owner that the update
   * does not bind, or under one with several. To be asked before the update is taken.
   */
  mayBeOthers(update: Uint8Array, writer: BlocksWriter): boolean {
    if (!writer.isAuthenticated) return false
    const sole = soleClient(update)
    if (sole === 'none') return false
    if (sole !== undefined && this.owners.hasOwner(sole)) return this.owners.isShared(sole)
    const read = readOrRefusal(update)
    if ('code' in read) return false
    const writers = this.#writersOf(read)
    if (writers.some((client) => this.ownersOf(client).length > 1)) return true
    return this.#certain(writers, writer).length < writers.filter((client) => !this.owners.hasOwner(client)).length
  }

  /**
   * Binds the client ids of an update that is about to be applied and counts those that are new. `writers` are those under which
   * it brings new structs, skeletons left out. Returns the refusal of an update with too many new ids, which then binds none.
   */
  take(writers: readonly number[], writer: BlocksWriter): BlocksRefusal | undefined {
    if (!writer.isAuthenticated) return undefined
    const { actor } = writer
    const fresh = this.#freshOf(writers).length
    if (!this.owners.hasRoomFor(fresh, actor)) {
      return refuse(
        'too_large',
        `The update brings ${fresh} client ids; this document has ${this.owners.broughtBy(actor)} of this writer and takes no more: write over HTTP, where all edits of a writer share one`,
      )
    }
    for (const client of this.#certain(writers, writer)) this.#bind(client, actor)
    this.owners.count(fresh, actor)
    return undefined
  }

  /**
   * Cuts edits out of an update that other writers own: all of them if the sender may relay (`mayRelay`) or has announced a client
   * id, since their owners bring them; otherwise those that wait in the document already for edits they build on. Edits under the
   * id that the sender itself announced stay. Returns the rest.
   */
  withhold(update: Uint8Array, { isAuthenticated, mayRelay, ownId, actor }: BlocksWriter): Uint8Array {
    const waiting = this.#doc.store.pendingStructs?.update
    const isRelay = mayRelay === true || ownId !== undefined
    if (!isAuthenticated || (!isRelay && waiting === undefined)) return update
    const sole = soleClient(update)
    if (sole === 'none' || (sole !== undefined && this.owners.isOwner(sole, actor))) return update
    const read = readOrRefusal(update)
    if ('code' in read) return update
    // Yjs keeps waiting structs in its second format, whatever format they arrived in.
    const waitingEnds = waiting === undefined ? undefined : Y.parseUpdateMetaV2(waiting).to
    const ends = new Map<number, number>()
    for (const [client, kind] of this.#kindsOf(read)) {
      const last = read.structs.get(client)?.at(-1)
      if (last === undefined || client === ownId || !this.isOthers(client, kind, actor)) continue
      const end = last.clock + last.length
      if (isRelay || end <= (waitingEnds?.get(client) ?? 0)) ends.set(client, end)
    }
    return ends.size === 0 ? update : Y.diffUpdate(update, Y.encodeStateVector(ends))
  }

  /** Learns from a record of the log, before it is applied, whose edits are certainly its actor's. */
  record(update: Uint8Array, actor: string): void {
    const sole = soleClient(update)
    // Most records are the next edits of a known writer: those need no closer look.
    if (sole === 'none' || (typeof sole === 'number' && this.owners.isOwner(sole, actor))) return
    const writers = this.#writersOfRecord(update)
    this.owners.count(this.#freshOf(writers).length, actor)
    const [client] = writers
    if (client !== undefined && writers.length === 1) this.owners.rebind(client, actor)
    else if (writers.length <= UPDATE_LIMITS.clientsNewMax) for (const one of writers) this.owners.bind(one, actor)
  }

  /**
   * Learns from a record that may hold edits of others. Only the id that its connection announced is its actor's. If the id has
   * another owner, the actor had come to share it. So it had by a record without edits.
   */
  recordRelay(update: Uint8Array, actor: string, ownId: number | undefined): void {
    const writers = this.#writersOfRecord(update)
    this.owners.count(this.#freshOf(writers).length, actor)
    if (ownId !== undefined && (writers.includes(ownId) || isEmpty(update))) this.owners.share(ownId, actor)
  }

  /** The client ids that an update binds, among those under which it brings structs. */
  #certain(writers: readonly number[], { ownId, mayRelay, isPart, isAnswer, actor }: BlocksWriter): number[] {
    const free = writers.filter((client) => !this.owners.hasOwner(client))
    const certain = free.filter((client) => client === ownId || this.#holdersOf(client).includes(actor))
    if (ownId !== undefined || mayRelay || isPart) return certain
    // An answer under one id is its sender's. An answer under several may hold edits that a peer or another person left. An
    // update under very many ids is an import.
    return (isAnswer && writers.length > 1) || free.length > UPDATE_LIMITS.clientsNewMax ? certain : free
  }

  /** Binds an id to its writer, and to everybody else for whom it was held: their edits may be among the first under it. */
  #bind(client: number, actor: string): void {
    for (const holder of this.#holdersOf(client)) this.owners.share(client, holder)
    this.owners.share(client, actor)
  }

  #writersOfRecord(update: Uint8Array): number[] {
    // A record of the log passed once. It is loaded, even if the limits have tightened since.
    const read = readOrRefusal(update, UNLIMITED)
    return 'code' in read ? [] : this.#writersOf(read)
  }

  #writersOf(read: ReadUpdate): number[] {
    return this.#kindsOf(read).flatMap(([client, kind]) => (kind === 'writer' ? [client] : []))
  }

  /** The client ids under which an update brings new structs, except skeletons and what would spoil one. */
  #kindsOf(read: ReadUpdate): [number, Kind][] {
    const skeletons = new SkeletonCheck(this.#doc, read, new UpdatePlaces(this.#doc, read, this.#lists), this.#lists)
    return newClients(this.#doc, read).flatMap((client): [number, Kind][] => {
      const kind = skeletons.of(client, read.structs.get(client) ?? [])
      return kind === 'writer' || kind === 'undecided' ? [[client, kind]] : []
    })
  }

  /** The client ids among `writers` that the document does not know at all. */
  #freshOf(writers: readonly number[]): readonly number[] {
    const { clients } = this.#doc.store
    return writers.filter((client) => !clients.has(client) && !this.owners.hasOwner(client))
  }
}

/** Whether an update has no structs and no deletions. */
function isEmpty(update: Uint8Array): boolean {
  return update.every((byte) => byte === 0)
}
