import * as Y from 'yjs'
import { isSameJson, type Json } from '../json.ts'
import { ChangeList, sidesOf, toldValue } from './content-change.ts'
import type { ContentPath, PathStep } from './content-path.ts'
import { hasAttributes } from './diff-changes.ts'
import { jsonFormOf } from './json-form.ts'
import { exactText, kindOf, nameOf } from './rich-reader.ts'
import type { YType } from './rich-type.ts'

/** True for a place that is told elsewhere. */
export type IsElsewhere = (at: ContentPath, key: string | undefined) => boolean

/**
 * The changes that a transaction made, type by type. Call it in the event `afterTransaction`: later, deleted content is gone. A
 * removed type tells its name and its characters. It reads the items of the types that changed, and no others.
 */
export function transactionChanges(
  transaction: Y.Transaction,
  changesMax: number,
  isElsewhere: IsElsewhere = () => false,
): ChangeList {
  const list = new ChangeList(changesMax)
  for (const [type, keys] of transaction.changed) {
    const at = placeOf(type, transaction)
    if (at === undefined || isElsewhere(at, undefined)) continue
    for (const key of keys) if (key !== null && !isElsewhere(at, key)) addKey(transaction, type, key, at, list)
    if (keys.has(null)) addSequence(transaction, type, at, list)
  }
  return list
}

function isAdded(item: Y.Item, { beforeState }: Y.Transaction): boolean {
  return item.id.clock >= (beforeState.get(item.id.client) ?? 0)
}

function wasThere(item: Y.Item, transaction: Y.Transaction): boolean {
  return !isAdded(item, transaction) && (!item.deleted || Y.isDeleted(transaction.deleteSet, item.id))
}

/** The place of a type; undefined if it, or a type around it, is new or deleted: then the place around it tells. */
function placeOf(type: YType, transaction: Y.Transaction): ContentPath | undefined {
  const path: PathStep[] = []
  let current = type
  for (let item = current._item; item !== null; item = current._item) {
    if (item.deleted || isAdded(item, transaction) || !(item.parent instanceof Y.AbstractType)) return undefined
    path.unshift(item.parentSub === null ? indexStep(item, current) : { key: item.parentSub })
    current = item.parent as YType
  }
  return { root: Y.findRootTypeKey(current), path }
}

function indexStep(item: Y.Item, type: YType): PathStep {
  let index = 0
  for (let left = item.left; left !== null; left = left.left) if (!left.deleted && left.countable) index += left.length
  const name = nameOf(type)
  return { index, ...(name !== '' && { name }) }
}

function addKey(transaction: Y.Transaction, type: YType, key: string, at: ContentPath, list: ChangeList): void {
  const item = type._map.get(key)
  let old: Y.Item | null = item ?? null
  while (old !== null && isAdded(old, transaction)) old = old.left
  if (old !== null && !wasThere(old, transaction)) old = null
  const now = item === undefined || item.deleted ? null : item
  if (isSamePlain(old, now)) return
  const before = old === null ? undefined : toldOf(old, old.length - 1, transaction)
  const after = now === null ? undefined : toldOf(now, now.length - 1, transaction)
  const kind = hasAttributes(kindOf(type)) ? 'attribute_changed' : 'key_changed'
  list.add({ ...at, kind, key, ...sidesOf(before, after) })
}

/** True for two values that are no types and show the same, and where there is nothing on both sides. */
function isSamePlain(a: Y.Item | null, b: Y.Item | null): boolean {
  if (a === null || b === null) return a === b
  const [one, other] = [a, b].map(({ content }) =>
    content instanceof Y.ContentType ? undefined : content.getContent().at(-1),
  )
  const isType = a.content instanceof Y.ContentType || b.content instanceof Y.ContentType
  return !isType && exactText(one) === exactText(other)
}

function addSequence(transaction: Y.Transaction, type: YType, at: ContentPath, list: ChangeList): void {
  const [marksBefore, marksAfter] = [new Map<string, unknown>(), new Map<string, unknown>()]
  const isText = type instanceof Y.Text
  let index = 0
  let areMarksSame = true
  for (let item = type._start; item !== null; item = item.right) {
    const [was, is] = [wasThere(item, transaction), !item.deleted]
    if (!was && !is) continue
    const { content } = item
    if (content instanceof Y.ContentFormat) {
      if (was) setMark(marksBefore, content)
      if (is) setMark(marksAfter, content)
      areMarksSame = isSameJson(Object.fromEntries(marksBefore), Object.fromEntries(marksAfter))
    } else if (was && is) {
      if (!areMarksSame) {
        const [before, after] = [marksBefore, marksAfter].map((marks) => jsonFormOf(Object.fromEntries(marks)))
        addFormat(list, at, index, item.length, before as Marks, after as Marks)
      }
    } else if (content instanceof Y.ContentString) {
      list.text(at, is ? 'text_inserted' : 'text_deleted', index, content.str)
    } else {
      const isEmbed = isText || content instanceof Y.ContentEmbed
      for (let n = 0; n < item.length; n++) {
        const value = toldOf(item, n, transaction)
        const place = is ? index + n : index
        const name = content instanceof Y.ContentType ? nameOf(content.type) : ''
        if (isEmbed) list.add({ ...at, kind: is ? 'embed_added' : 'embed_removed', index: place, value })
        else list.add({ ...at, kind: is ? 'item_added' : 'item_removed', index: place, ...(name && { name }), value })
      }
    }
    if (is && item.countable) index += item.length
  }
}

type Marks = { readonly [key: string]: Json }

/** Items of one mark that follow each other are one change. */
function addFormat(
  list: ChangeList,
  at: ContentPath,
  index: number,
  length: number,
  before: Marks,
  after: Marks,
): void {
  const last = list.changes.at(-1)
  const isNext = last?.kind === 'formatted' && last.path === at.path && last.index + last.length === index
  if (isNext && isSameJson(last.before, before) && isSameJson(last.after, after))
    list.changes[list.changes.length - 1] = { ...last, length: last.length + length }
  else list.add({ ...at, kind: 'formatted', index, length, before, after })
}

function setMark(marks: Map<string, unknown>, { key, value }: Y.ContentFormat): void {
  if (value === null) marks.delete(key)
  else marks.set(key, value)
}

function toldOf(item: Y.Item, at: number, transaction: Y.Transaction): Json {
  const { content } = item
  if (!(content instanceof Y.ContentType)) return toldValue(jsonFormOf(content.getContent()[at]))
  if (!item.deleted) return toldValue(jsonFormOf(content.type, 'delta'))
  return toldValue(deletedText(content.type, transaction))
}

/** The characters of a type that the transaction has deleted: nothing else of it can be read. */
function deletedText(type: YType, transaction: Y.Transaction): string {
  let text = ''
  for (let item = type._start; item !== null; item = item.right) {
    if (!wasThere(item, transaction)) continue
    if (item.content instanceof Y.ContentString) text += item.content.str
    else if (item.content instanceof Y.ContentType) text += deletedText(item.content.type, transaction)
  }
  return text
}
