import * as Y from 'yjs'
import type { Block } from './block.ts'
import { isBlockId } from './block-id.ts'
import type { ClaimList } from './claim-list.ts'
import {
  type BlockContent,
  contentWithin,
  type DocumentContent,
  type DocumentScope,
  joinScopes,
  readBlockContent,
  readingDocument,
  scopeOfRoots,
} from './document-content.ts'
import { isExactJson, isSameJson, type Json } from './json.ts'
import { doAtOnce, type LongWork } from './long-work.ts'
import { isRandomBlockId } from './random-id.ts'
import { restoreClaims } from './restore-claims.ts'
import { blockPath } from './rich-content/content-path.ts'
import { changedSubdocuments, lostSubdocuments, type Unrestorable } from './rich-content/lost-subdocuments.ts'
import type { RichReader } from './rich-content/rich-reader.ts'
import { emptiedOf, type RichType, type RichValue } from './rich-content/rich-type.ts'
import { diffTypes, type TypeDiff } from './rich-content/type-diff.ts'
import { writeType } from './rich-content/write-type.ts'
import { blocksMap, createBlock, getBlock } from './workspace-blocks.ts'
import type { ClaimAuthor } from './write-arguments.ts'

/** The effects of a restore, found without an edit. It holds for the document as it is now. */
export interface RestorePlan {
  readonly now: DocumentContent
  readonly past: DocumentContent
  /** The parts that differ. A restore writes nothing elsewhere. */
  readonly scope: DocumentScope
  /** The places that {@link restoreDocument} leaves as they are, and the subdocuments that go with what holds them. */
  readonly unrestorable: readonly Unrestorable[]
}

/** @param scope the part of the document that is restored, and that is read of both; all of it by default */
export function planRestore(
  doc: Y.Doc,
  past: DocumentContent,
  lists: readonly ClaimList[],
  scope?: DocumentScope,
): RestorePlan {
  return doAtOnce(planningRestore(doc, past, lists, scope))
}

/** The steps to the same. The document must not change between two of them. */
export function* planningRestore(
  doc: Y.Doc,
  all: DocumentContent,
  lists: readonly ClaimList[],
  within?: DocumentScope,
): LongWork<RestorePlan> {
  const past = within === undefined ? all : contentWithin(all, within)
  const now = yield* readingDocument(doc, lists, past.reader, within)
  const differing: [root: string, keys: readonly string[] | undefined][] = []
  const blocks = new Set<string>()
  const unrestorable: Unrestorable[] = []
  const add = (found: readonly Unrestorable[]): void => {
    for (const each of found) unrestorable.push(each)
  }
  for (const [root, diff] of rootDiffs(now, past)) {
    differing.push([root, diff.steps.length > 0 ? undefined : diff.entries.map(({ key }) => key)])
    add(lostSubdocuments(diff, { root, path: [] }))
    yield
  }
  for (const id of new Set([...now.blocks.keys(), ...past.blocks.keys()])) {
    yield
    const [is, then] = [now.blocks.get(id), past.blocks.get(id)]
    if (is !== undefined && then !== undefined && isSameBlock(is, then)) continue
    blocks.add(id)
    if (is === undefined || then === undefined) add(changedSubdocuments(is?.rest, then?.rest, blockPath(id)))
    else {
      const diff = diffTypes(is.rest, withPartsOf(is.rest, then.rest, past.reader))
      if (diff !== undefined) add(lostSubdocuments(diff, blockPath(id)))
    }
    if (then !== undefined) add(unwritableFields(then, is))
  }
  const scope = joinScopes(scopeOfRoots(differing), { blocks, roots: new Set(), edges: new Set() })
  return { now, past, scope, unrestorable }
}

/** True for a block that a restore leaves as it is. */
function isSameBlock(is: BlockContent, then: BlockContent): boolean {
  return is.type === then.type && is.rest.key === then.rest.key && isSameJson(is.lists as Json, then.lists as Json)
}

/**
 * Edits the document so that it shows what it showed then, inside the caller's transaction: blocks, edges and every other root. Content
 * that is the same already stays the same Yjs items, so that concurrent edits in it stay. Statuses come back as those of new runs of
 * `author`. Throws as the functions of claims do.
 */
export function restoreDocument(
  transaction: Y.Transaction,
  plan: RestorePlan,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  for (const edit of restoreEdits(plan, author, lists)) edit(transaction)
}

/** The edits of {@link restoreDocument}, one after the other. On a copy of the document they may be made in several transactions. */
export function* restoreEdits(
  { now, past, scope }: RestorePlan,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): Generator<(transaction: Y.Transaction) => void> {
  for (const id of scope.blocks) {
    if (!past.blocks.has(id) && now.blocks.has(id)) yield ({ doc }) => blocksMap(doc).delete(id)
  }
  for (const [name, diff] of rootDiffs(now, past)) {
    yield (transaction) => writeType(transaction, transaction.doc.get(name), diff)
  }
  for (const then of past.blocks.values()) {
    if (scope.blocks.has(then.id)) yield (transaction) => restoreBlock(transaction, now, then, author, lists)
  }
}

/** The differences of the roots that are no blocks, by name. */
export function* rootDiffs(now: DocumentContent, past: DocumentContent): Generator<[name: string, diff: TypeDiff]> {
  const nothing = now.reader.make(emptiedOf({ kind: 'root', name: '' }))
  for (const name of new Set([...now.roots.keys(), ...past.roots.keys()])) {
    const diff = diffTypes(now.roots.get(name) ?? nothing, past.roots.get(name) ?? nothing)
    if (diff !== undefined) yield [name, diff]
  }
}

function restoreBlock(
  transaction: Y.Transaction,
  now: DocumentContent,
  then: BlockContent,
  author: ClaimAuthor,
  lists: readonly ClaimList[],
): void {
  const { reader } = now
  const block = getBlock(transaction.doc, then.id) ?? makeBlock(transaction.doc, then, lists)
  if (block.type !== then.type) block.setType(then.type)
  const is = now.blocks.get(then.id) ?? readBlockContent(block, lists, reader)
  const diff = diffTypes(is.rest, withPartsOf(is.rest, then.rest, reader))
  if (diff !== undefined) writeType(transaction, block.map, diff)
  for (const list of lists) {
    const shown = list.part === 'fields' ? writableFieldsOf(then, is) : then.lists[list.part]
    restoreClaims(block, list, shown, author)
  }
}

function makeBlock(doc: Y.Doc, { id, type }: BlockContent, lists: readonly ClaimList[]): Block {
  if (isBlockId(id) && id !== '.' && id !== '..')
    return createBlock(doc, id, { type, lists, isAlone: isRandomBlockId(id) })
  // A stock client's id, which nobody may choose, but which was there.
  blocksMap(doc).set(id, new Y.Map([['id', id]]))
  return getBlock(doc, id) as Block
}

/**
 * The same, with a text and a map where the block has these now and had none then. They are emptied and not removed: the block's
 * skeleton holds them for everybody.
 */
export function withPartsOf(now: RichType, then: RichType, reader: RichReader): RichType {
  const missing = [...now.entries].flatMap(([key, value]): [string, RichValue][] => {
    const isPart = (key === 'content' && value.kind === 'text') || (key === 'data' && value.kind === 'map')
    return isPart && !then.entries.has(key) ? [[key, reader.make(emptiedOf(value as RichType))]] : []
  })
  if (missing.length === 0) return then
  const entries = [...then.entries, ...missing].sort(([a], [b]) => (a < b ? -1 : 1))
  return reader.make({ ...then, entries: new Map(entries) })
}

function fieldsOf(block: BlockContent | undefined): Readonly<Record<string, Json>> {
  return (block?.lists.fields ?? {}) as Readonly<Record<string, Json>>
}

/** The fields of then, without the values that can be read and not written (B54): those stay as they are. */
function writableFieldsOf(then: BlockContent, now: BlockContent | undefined): Readonly<Record<string, Json>> {
  const [past, present] = [fieldsOf(then), fieldsOf(now)]
  const kept = Object.entries(past).flatMap(([key, value]): [string, Json][] => {
    if (isExactJson(value)) return [[key, value]]
    const stays = present[key]
    return stays === undefined ? [] : [[key, stays]]
  })
  return Object.fromEntries(kept)
}

function unwritableFields(then: BlockContent, now: BlockContent | undefined): Unrestorable[] {
  const present = fieldsOf(now)
  return Object.entries(fieldsOf(then))
    .filter(([key, value]) => !isExactJson(value) && !isSameJson(value, present[key]))
    .map(([key]) => ({
      ...blockPath(then.id, 'fields', key),
      what: 'value',
      why: 'the field stays as it is: it held an integer beyond 2^53, which nobody can write exactly',
    }))
}
