import * as Y from 'yjs'
import { type BlockFields, fieldClaims } from './block-fields.ts'
import { assertBlockLives, ensureData, ensureText } from './block-part.ts'
import type { BlockList, Claim, ClaimList } from './claim-list.ts'
import { type ClaimsJson, listsIn } from './claim-lists.ts'
import { type IndexingList, indexingClaims } from './indexing-list.ts'
import { toPlain } from './json.ts'
import type { BlockStatuses } from './machines/block-statuses.ts'
import type { Machine } from './machines/machine.ts'
import type { MachineStatuses } from './machines/machine-statuses.ts'
import { plainTextOf } from './plain-text.ts'
import { type ReplaceTextOptions, replaceText } from './replace-text.ts'
import { toWellFormed } from './well-formed.ts'

/** A block as plain data that the reader owns. */
export interface BlockJson extends ClaimsJson {
  id: string
  type: string
  content: string
  data: Record<string, unknown>
}

/** One block of a workspace: a handle on the doc's content. It holds nothing itself. */
export class Block {
  readonly id: string
  readonly indexingList: IndexingList
  readonly fields: BlockFields
  readonly #map: Y.Map<unknown>
  #others: Map<ClaimList, BlockList<Claim>> | undefined

  constructor(map: Y.Map<unknown>, id: string) {
    this.id = id
    this.#map = map
    this.indexingList = indexingClaims.open(map, id)
    this.fields = fieldClaims.open(map, id)
  }

  /** One of the block's lists of claims. `list` is the list's row in the table of lists. Each call returns the same object. */
  claims<L extends BlockList<C>, C extends Claim>(list: ClaimList<C, L>): L {
    const row = list as unknown as ClaimList
    if (row === (indexingClaims as unknown as ClaimList)) return this.indexingList as unknown as L
    if (row === (fieldClaims as unknown as ClaimList)) return this.fields as unknown as L
    this.#others ??= new Map()
    const known = this.#others.get(row)
    if (known !== undefined) return known as unknown as L
    const made = list.open(this.#map, this.id)
    this.#others.set(row, made as unknown as BlockList<Claim>)
    return made
  }

  /**
   * The statuses of one machine, as `file@1`, to read and to write. Throws `bad_argument` for a machine that the document's table
   * does not have.
   */
  statuses<Status extends string, S extends string>(machine: Machine<Status, S>): MachineStatuses<Status, S>
  statuses(machine: string): MachineStatuses
  statuses(machine: Machine | string): MachineStatuses {
    return this.#allStatuses.of(machine)
  }

  /** Statuses of machines that this document's table does not have, or has with another table than the server: see {@link BlockStatuses.raw}. */
  rawStatuses(): readonly Readonly<Record<string, unknown>>[] {
    return this.#allStatuses.raw()
  }

  get #allStatuses(): BlockStatuses {
    const [, , statuses] = listsIn(this.#map.doc)
    return this.claims(statuses)
  }

  /** The block's Y.Map, for everything that this class does not cover. */
  get map(): Y.Map<unknown> {
    return this.#map
  }

  /** False once the block was deleted, or replaced under its id. */
  get isLive(): boolean {
    return this.#map._item?.deleted === false
  }

  /** The block's type; an empty text when a stock client left it out. */
  get type(): string {
    const type = this.#map.get('type')
    return typeof type === 'string' ? type : ''
  }

  /** Changes the type. Of concurrent changes one stays. Throws `block_missing`. */
  setType(type: string): void {
    assertBlockLives(this.#map, this.id)
    const wellFormed = toWellFormed(type)
    if (this.#map.get('type') !== wellFormed) this.#map.set('type', wellFormed)
  }

  /** The text that people type in. If a stock client left it out, reading this property makes it. Throws `block_missing`, `foreign_shape`. */
  get content(): Y.Text {
    return ensureText(this.#map, this.id)
  }

  /** The text as a plain string, without its embeds and marks. Never writes. */
  get text(): string {
    const content = this.#map.get('content')
    if (content instanceof Y.Text) return plainTextOf(content)
    return content === undefined ? '' : String(toPlain(content))
  }

  /** Changes the text into `next` by a minimal edit, which keeps text that others type meanwhile. See {@link replaceText}. */
  replaceContent(next: string, options?: ReplaceTextOptions): void {
    replaceText(this.content, next, options)
  }

  /** A free map for an application's own data. If a stock client left it out, reading this property makes it. */
  get data(): Y.Map<unknown> {
    return ensureData(this.#map, this.id)
  }

  /** Plain data without the forbidden key. Never writes, never throws. A missing part reads as empty. */
  toJSON(): BlockJson {
    return this.toJSONWith(listsIn(this.#map.doc))
  }

  /** The block as {@link toJSON} gives it, with the lists of another table, and with data as `read` gives it. */
  toJSONWith(lists: readonly ClaimList[], read: (value: unknown) => unknown = toPlain): BlockJson {
    const json: Record<string, unknown> = { id: this.id, type: this.type, content: this.text }
    for (const list of lists) json[list.part] = this.claims(list).toJSON()
    const data = read(this.#map.get('data') ?? {})
    json.data = typeof data === 'object' && data !== null && !Array.isArray(data) ? { ...data } : {}
    return json as unknown as BlockJson
  }
}
