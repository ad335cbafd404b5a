import {
  type BlockChange,
  type BlocksChange,
  type EntryChange,
  type FieldClaim,
  getBlock,
  type IndexingEntry,
  type Json,
  observeBlocks,
} from '@joinery/blocks'
import type { LogRecord, Past } from '@joinery/server'
import * as Y from 'yjs'
import type { RecordHead } from './history.ts'

interface IndexChange {
  readonly index: string
  readonly before: IndexingEntry | null
  readonly after: IndexingEntry | null
}
interface FieldChange {
  readonly key: string
  readonly before: Json | null
  readonly after: Json | null
}

/** What one record did to one block. */
export interface BlockEvent {
  readonly id: string
  readonly change: 'added' | 'changed' | 'removed'
  /** Parts that were edited: `content`, `type`, `data`, `indexingList`, `fields`. Empty unless `changed`. */
  readonly parts: readonly string[]
  readonly indexing: readonly IndexChange[]
  readonly fields: readonly FieldChange[]
}

/** One record as a change feed tells of it: a function of the log alone, so that every consumer hears the same. */
export interface ChangeEvent extends Omit<RecordHead, 'idempotencyKey'> {
  readonly blocks: readonly BlockEvent[]
}

/** A document that takes in records one by one and says what each did to its blocks. */
export class ChangeReader {
  readonly #doc: Y.Doc
  #changes: BlocksChange[] = []
  #lsn: number

  /** Goes on from `past`, whose document it takes over. */
  constructor({ doc, lsn }: Pick<Past, 'doc' | 'lsn'>) {
    this.#doc = doc
    this.#lsn = lsn
    observeBlocks(this.#doc, (change) => this.#changes.push(change))
  }

  /** LSN of the last record taken in. */
  get lsn(): number {
    return this.#lsn
  }

  take(record: LogRecord): ChangeEvent {
    this.#changes = []
    Y.applyUpdate(this.#doc, record.update)
    this.#lsn = record.lsn
    const { lsn, at, actor, source, connection, touched } = record
    return {
      lsn,
      at,
      actor,
      source,
      connection,
      touched,
      blocks: this.#changes.flatMap((change) => this.#events(change)),
    }
  }

  end(): void {
    this.#doc.destroy()
  }

  #events({ added, removed, changed }: BlocksChange): BlockEvent[] {
    return [
      ...removed.map((id): BlockEvent => ({ id, change: 'removed', parts: [], indexing: [], fields: [] })),
      ...added.map((id) => this.#added(id)),
      ...changed.map(changedEvent),
    ]
  }

  #added(id: string): BlockEvent {
    const block = getBlock(this.#doc, id)
    const entries = block?.indexingList.entries() ?? []
    const fields = block?.fields.entries() ?? []
    return {
      id,
      change: 'added',
      parts: [],
      indexing: entries.map((after) => ({ index: after.index_name, before: null, after })),
      fields: fields.map(({ key, value }) => ({ key, before: null, after: value })),
    }
  }
}

function changedEvent({ id, parts, indexing, fields }: BlockChange): BlockEvent {
  return {
    id,
    change: 'changed',
    parts: [...parts],
    indexing: (indexing?.changes ?? []).map((change) => {
      const { before, after } = sides<IndexingEntry>(change)
      return { index: change.key, before: before ?? null, after: after ?? null }
    }),
    fields: (fields?.changes ?? []).map((change) => {
      const { before, after } = sides<FieldClaim>(change)
      return { key: change.key, before: before?.value ?? null, after: after?.value ?? null }
    }),
  }
}

function sides<C>(change: EntryChange<C>): { before: C | undefined; after: C | undefined } {
  return {
    before: change.kind === 'added' ? undefined : change.before,
    after: change.kind === 'removed' ? undefined : change.entry,
  }
}
