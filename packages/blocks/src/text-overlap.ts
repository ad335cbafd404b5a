import * as Y from 'yjs'

/** Greatest length of an excerpt, in code units: enough to recognise a sentence. */
const EXCERPT_LENGTH_MAX = 200

/** A block's text that a job rewrote where people typed meanwhile. Both texts are kept, and somebody should look at them. */
export interface TextOverlap {
  readonly block: string
  /** The text that others typed there since, shortened. */
  readonly typed: string
  /** The text that the job put there, shortened; empty when the job only deleted. */
  readonly written: string
}

/**
 * Finds where `update` meets edits that others made to the same text since `base`: others typed at a place where it deletes or
 * inserts, or deleted the text beside which it inserts. Call it before `update` is applied.
 *
 * @param update edits that were made on a copy of `doc`
 * @param base state vector of the copy when it was made
 */
export function textOverlaps(doc: Y.Doc, update: Uint8Array, base: ReadonlyMap<number, number>): TextOverlap[] {
  const { structs, ds } = Y.decodeUpdate(update)
  const found = new Map<string, { typed: string[]; written: string[] }>()
  const at = (block: string): { typed: string[]; written: string[] } => {
    const known = found.get(block) ?? { typed: [], written: [] }
    found.set(block, known)
    return known
  }
  const isNews = (item: Y.Item): boolean => item.id.clock >= (base.get(item.id.client) ?? 0)
  const isDeletedBy = (id: Y.ID | null): boolean => id !== null && Y.isDeleted(ds, id)

  for (const item of itemsSince(doc, base)) {
    const block = blockOfText(item)
    if (block !== undefined && textOf(item) !== '' && (isDeletedBy(item.origin) || isDeletedBy(item.rightOrigin))) {
      at(block).typed.push(textOf(item))
    }
  }
  for (const struct of structs) {
    if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) continue
    const left = itemAt(doc, struct.origin)
    const right = itemAt(doc, struct.rightOrigin)
    const block = blockOfText(left ?? right)
    if (block === undefined) continue
    const beside = [afterOf(left, struct.origin), beforeOf(right, struct.rightOrigin)].filter(
      (item) => item != null && isNews(item) && textOf(item) !== '',
    )
    const isUprooted = left?.deleted === true && !isDeletedBy(struct.origin) && !Y.isDeleted(ds, left.id)
    if (beside.length === 0 && !isUprooted && !found.has(block)) continue
    const overlap = at(block)
    for (const item of beside) if (item != null) overlap.typed.push(textOf(item))
    overlap.written.push(struct.content.str)
  }
  return Array.from(found, ([block, { typed, written }]) => ({
    block,
    typed: excerpt([...new Set(typed)]),
    written: excerpt(written),
  }))
}

function* itemsSince(doc: Y.Doc, base: ReadonlyMap<number, number>): Generator<Y.Item> {
  for (const [client, structs] of doc.store.clients) {
    const clock = base.get(client) ?? 0
    if (Y.getState(doc.store, client) <= clock) continue
    for (let index = structs.length - 1; index >= 0; index--) {
      const struct = structs[index]
      if (struct === undefined || struct.id.clock + struct.length <= clock) break
      if (struct instanceof Y.Item) yield struct
    }
  }
}

function itemAt(doc: Y.Doc, id: Y.ID | null): Y.Item | undefined {
  if (id === null || Y.getState(doc.store, id.client) <= id.clock) return undefined
  const struct: unknown = Y.getItem(doc.store, id)
  return struct instanceof Y.Item ? struct : undefined
}

/** The item right after the character `id` of `item`; undefined when the next character is in the same item. */
function afterOf(item: Y.Item | undefined, id: Y.ID | null): Y.Item | null | undefined {
  return item !== undefined && id?.clock === item.id.clock + item.length - 1 ? item.right : undefined
}

function beforeOf(item: Y.Item | undefined, id: Y.ID | null): Y.Item | null | undefined {
  return item !== undefined && id?.clock === item.id.clock ? item.left : undefined
}

/** The id of the block whose content holds this item. */
function blockOfText(item: Y.Item | undefined): string | undefined {
  const text = item?.parent
  if (!(text instanceof Y.AbstractType) || text._item?.parentSub !== 'content') return undefined
  const block: unknown = text._item.parent
  return block instanceof Y.AbstractType ? (block._item?.parentSub ?? undefined) : undefined
}

function textOf(item: Y.Item): string {
  return !item.deleted && item.content instanceof Y.ContentString ? item.content.str : ''
}

function excerpt(pieces: readonly string[]): string {
  const text = pieces.join(' … ')
  return text.length > EXCERPT_LENGTH_MAX ? `${text.slice(0, EXCERPT_LENGTH_MAX - 1)}…` : text
}
