import {
  type BlockChange,
  type BlocksChange,
  type ChangeList,
  type Claim,
  type ClaimList,
  type ContentChange,
  changesIn,
  getBlock,
  observeBlocks,
  type ToldLists,
} from '@joinery/blocks'
import { type LogRecord, originOf, type Past } from '@joinery/server'
import * as Y from 'yjs'
import type { RecordHead } from '../history/history.ts'

/** The entries that changed, for each list of claims under the name that events use for it. */
type ListEvents = {
  readonly [Name in keyof ToldLists]: readonly (KeyOf<ToldLists[Name]['key']> & Sides<ToldLists[Name]['shown']>)[]
}
type KeyOf<Key extends string> = { readonly [K in Key]: string }
interface Sides<Shown> {
  readonly before: Shown | null
  readonly after: Shown | null
}

/** The change of one block by one record. */
export interface BlockEvent extends ListEvents {
  readonly id: string
  readonly change: 'added' | 'changed' | 'removed'
  /** The edited parts: `content`, `type`, `data`, lists of claims. Empty unless `change` is `changed`. */
  readonly parts: readonly string[]
}

/** One record as a change feed sends it. It depends on the log alone, so that every consumer gets the same event. */
export interface ChangeEvent extends Omit<RecordHead, 'idempotencyKey'> {
  /** True when the edits may be others' than the actor's, who sent them. */
  readonly mayBeOthers: boolean
  readonly blocks: readonly BlockEvent[]
  /** Changes inside contents, data and other roots, edges included; at most {@link EVENT_CHANGES_MAX}. */
  readonly changes: readonly ContentChange[]
  /** Changes beyond these. */
  readonly changesOmitted: number
}

/** Changes of contents that one event tells: an import makes any number. */
const EVENT_CHANGES_MAX = 100

/** Applies records one by one to a document, and makes the event of each. */
export class ChangeReader {
  readonly #doc: Y.Doc
  readonly #lists: readonly ClaimList[]
  #changes: BlocksChange[] = []
  #contents: ChangeList[] = []
  #lsn: number

  /** Begins at `past`, and takes over its document. */
  constructor({ doc, lsn }: Pick<Past, 'doc' | 'lsn'>, lists: readonly ClaimList[]) {
    this.#doc = doc
    this.#lists = lists
    this.#lsn = lsn
    observeBlocks(this.#doc, (change) => this.#changes.push(change), lists)
    this.#doc.on('afterTransaction', (transaction: Y.Transaction) => {
      this.#contents.push(changesIn(transaction, lists, EVENT_CHANGES_MAX))
    })
  }

  /** LSN of the last record applied. */
  get lsn(): number {
    return this.#lsn
  }

  /** Applies the next record. */
  take(record: LogRecord): ChangeEvent {
    this.#changes = []
    this.#contents = []
    Y.applyUpdate(this.#doc, record.update)
    this.#lsn = record.lsn
    const { lsn, at, actor, source, touched } = record
    const { connection, mayBeOthers } = originOf(record)
    const changes = this.#contents.flatMap((list) => list.changes)
    const omitted = this.#contents.reduce((sum, list) => sum + list.omitted, 0)
    return {
      lsn,
      at,
      actor,
      source,
      connection,
      mayBeOthers,
      touched,
      blocks: this.#changes.flatMap((change) => this.#events(change)),
      changes: changes.slice(0, EVENT_CHANGES_MAX),
      changesOmitted: omitted + Math.max(0, changes.length - EVENT_CHANGES_MAX),
    }
  }

  end(): void {
    this.#doc.destroy()
  }

  #events({ added, removed, changed }: BlocksChange): BlockEvent[] {
    return [
      ...removed.map((id): BlockEvent => ({ id, change: 'removed', parts: [], ...this.#ofLists(() => []) })),
      ...added.map((id) => this.#added(id)),
      ...changed.map((change) => this.#changed(change)),
    ]
  }

  #added(id: string): BlockEvent {
    const block = getBlock(this.#doc, id)
    const events = this.#ofLists((list) =>
      (block?.claims(list).entries() ?? []).map((claim) => keyed(list, list.rules.keyOf(claim), undefined, claim)),
    )
    return { id, change: 'added', parts: [], ...events }
  }

  #changed({ id, parts, claims }: BlockChange): BlockEvent {
    const events = this.#ofLists((list) =>
      (claims.find((changed) => changed.list === list)?.change.changes ?? []).map((change) =>
        keyed(
          list,
          change.key,
          change.kind === 'added' ? undefined : change.before,
          change.kind === 'removed' ? undefined : change.entry,
        ),
      ),
    )
    return { id, change: 'changed', parts: [...parts], ...events }
  }

  #ofLists(eventsOf: (list: ClaimList) => readonly object[]): ListEvents {
    return Object.fromEntries(this.#lists.map((list) => [list.told.list, eventsOf(list)])) as unknown as ListEvents
  }
}

/** One changed entry, as an event holds it. */
function keyed(list: ClaimList, key: string, before: Claim | undefined, after: Claim | undefined): object {
  const shown = (claim: Claim | undefined): unknown => (claim === undefined ? null : list.shownOf(claim))
  return { [list.told.key]: key, before: shown(before), after: shown(after) }
}
