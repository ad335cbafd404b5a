import * as Y from 'yjs'
import type { SequenceStep } from './align.ts'
import { exactText } from './rich-reader.ts'
import {
  isRichType,
  type Marks,
  type RichKind,
  type RichPiece,
  type RichType,
  type RichValue,
  type YType,
} from './rich-type.ts'
import { type EntryDiff, fillOf, innerDiff, type TypeDiff } from './type-diff.ts'

/** A type that was made empty, and what it is to hold. */
type Made = readonly [type: YType, content: RichType]

/**
 * Edits `type`, which shows `diff.before`, so that it shows `diff.after`. Content that both have stays the same Yjs items. It neither
 * adds nor removes a subdocument, unless what holds it goes.
 */
export function writeType(transaction: Y.Transaction, type: YType, diff: TypeDiff): void {
  for (const entry of diff.entries) writeEntry(transaction, type, entry, diff)
  if (diff.steps.length === 0) return
  const made = isTextual(diff) ? writeText(type, diff.steps) : writeList(transaction, type, diff.steps)
  for (const step of diff.steps)
    if (step.op === 'keep') writeInner(transaction, step.before.value, step.after.value, diff)
  for (const [child, content] of made) writeType(transaction, child, fillOf(content))
}

function writeInner(
  transaction: Y.Transaction,
  before: RichValue | undefined,
  after: RichValue | undefined,
  { budget }: TypeDiff,
): boolean {
  const diff = innerDiff(before, after, budget)
  if (diff?.before.source === undefined) return false
  writeType(transaction, diff.before.source, diff)
  return true
}

function writeEntry(transaction: Y.Transaction, type: YType, entry: EntryDiff, diff: TypeDiff): void {
  const { key, before, after } = entry
  if (isSubdocument(before) || isSubdocument(after) || writeInner(transaction, before, after, diff)) return
  const item = type._map.get(key) ?? null
  if (after === undefined) item?.delete(transaction)
  else {
    const [content, child] = contentOf(after)
    const { doc } = transaction
    new Y.Item(nextId(doc), item, item?.lastId ?? null, null, null, type, key, content).integrate(transaction, 0)
    if (child !== undefined) writeType(transaction, child[0], fillOf(child[1]))
  }
}

/** True for characters, embeds and marked types, which Yjs' own function for texts writes. A list of types alone is no text. */
function isTextual({ before, after }: TypeDiff): boolean {
  const isText = before.kind === 'text' || before.kind === 'xmlText'
  const pieces = [...before.pieces, ...after.pieces]
  const fits = pieces.every(({ text, value }) => text !== undefined || isRichType(value) || value?.kind === 'embed')
  return fits && (isText || pieces.some((piece) => !isRichType(piece.value) || hasMarks(piece)))
}

function hasMarks({ marks }: RichPiece): boolean {
  return Object.keys(marks.attributes).length > 0
}

interface DeltaOperation {
  retain?: number
  delete?: number
  insert?: string | object
  attributes?: Record<string, unknown>
}

/** Writes characters, embeds and types with their marks. Returns the types that it made, which are empty. */
export function writeText(type: YType, steps: readonly SequenceStep[]): Made[] {
  const made: Made[] = []
  const operations: DeltaOperation[] = []
  let open = -1
  for (const step of steps) {
    const last = operations.at(-1)
    if (step.op === 'keep') {
      const { before, after } = step
      const attributes = markChanges(before.marks, after.marks)
      operations.push({ retain: after.length, ...(attributes && { attributes }) })
      open = -1
    } else if (step.op === 'remove') {
      operations.push({ delete: step.piece.length })
      open = -1
    } else {
      const { text, value, marks } = step.piece
      // One string: a half of a surrogate pair is no text of its own.
      if (text !== undefined && open === marks.key && typeof last?.insert === 'string') last.insert += text
      else operations.push({ insert: text ?? embedOf(value, made), attributes: { ...marks.attributes } })
      open = text === undefined ? -1 : marks.key
    }
  }
  // Yjs types of other classes, untyped roots above all, have the same insides.
  Y.Text.prototype.applyDelta.call(type as Y.Text, operations)
  return made
}

function embedOf(value: RichValue | undefined, made: Made[]): object {
  if (!isRichType(value)) return (value as { value: object }).value
  const type = makeEmpty(value.kind, value.name)
  made.push([type, value])
  return type
}

/** The attributes that turn the marks before into those after; undefined where they are the same. */
function markChanges(before: Marks, after: Marks): Record<string, unknown> | undefined {
  if (before.key === after.key) return undefined
  const changes: Record<string, unknown> = {}
  for (const key of Object.keys(before.attributes)) if (!Object.hasOwn(after.attributes, key)) changes[key] = null
  for (const [key, value] of Object.entries(after.attributes)) {
    if (exactText(before.attributes[key]) !== exactText(value)) changes[key] = value
  }
  return changes
}

/** Writes any kind of content in one walk. Yjs' own functions take no `undefined` and no big integer, which a document may hold. */
function writeList(transaction: Y.Transaction, type: YType, steps: readonly SequenceStep[]): Made[] {
  const made: Made[] = []
  const place = new ListPlace(transaction, type)
  for (const step of steps) {
    if (step.op === 'keep') place.skip(step.after.length)
    else if (step.op === 'add') {
      const { text, value } = step.piece
      if (value === undefined) place.add(new Y.ContentString(text ?? ''))
      else if (!isSubdocument(value)) {
        const [content, child] = contentOf(value)
        place.add(content)
        if (child !== undefined) made.push(child)
      }
    } else if (isSubdocument(step.piece.value)) place.skip(1)
    else place.remove(step.piece.length)
  }
  // Yjs keeps places of the list for later searches, which are other places now.
  if (type._searchMarker !== null) type._searchMarker.length = 0
  return made
}

/** A place between two items of a sequence, which moves to the end. */
class ListPlace {
  readonly #transaction: Y.Transaction
  readonly #type: YType
  #left: Y.Item | null = null
  #right: Y.Item | null

  constructor(transaction: Y.Transaction, type: YType) {
    this.#transaction = transaction
    this.#type = type
    this.#right = type._start
  }

  skip(length: number): void {
    this.#pass(length, () => undefined)
  }

  remove(length: number): void {
    this.#pass(length, (item) => item.delete(this.#transaction))
  }

  add(content: Y.Item['content']): void {
    const [left, right] = [this.#left, this.#right]
    const id = nextId(this.#transaction.doc)
    const item = new Y.Item(id, left, left?.lastId ?? null, right, right?.id ?? null, this.#type, null, content)
    item.integrate(this.#transaction, 0)
    this.#left = item
  }

  #pass(length: number, visit: (item: Y.Item) => void): void {
    for (let left = length; left > 0 && this.#right !== null; ) {
      const item: Y.Item = this.#right
      if (!item.deleted && item.countable) {
        if (left < item.length) Y.getItemCleanStart(this.#transaction, Y.createID(item.id.client, item.id.clock + left))
        left -= item.length
        visit(item)
      }
      this.#left = item
      this.#right = item.right
    }
  }
}

function nextId(doc: Y.Doc): Y.ID {
  return Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID))
}

function contentOf(value: RichValue): [content: Y.Item['content'], made?: Made] {
  if (isRichType(value)) {
    const type = makeEmpty(value.kind, value.name)
    return [new Y.ContentType(type), [type, value]]
  }
  if (value.kind === 'bytes') return [new Y.ContentBinary(value.value as Uint8Array)]
  if (value.kind === 'embed') return [new Y.ContentEmbed(value.value as object)]
  return [new Y.ContentAny([value.kind === 'json' ? value.value : null])]
}

function makeEmpty(kind: RichKind, name: string): YType {
  switch (kind) {
    case 'map':
      return new Y.Map()
    case 'text':
      return new Y.Text()
    case 'xmlFragment':
      return new Y.XmlFragment()
    case 'xmlElement':
      return new Y.XmlElement(name)
    case 'xmlText':
      return new Y.XmlText()
    case 'xmlHook':
      return new Y.XmlHook(name)
    default:
      return new Y.Array()
  }
}

function isSubdocument(value: RichValue | undefined): boolean {
  return value !== undefined && value.kind === 'subdocument'
}
