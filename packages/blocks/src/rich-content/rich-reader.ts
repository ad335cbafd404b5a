import * as Y from 'yjs'
import { doAtOnce, type LongWork } from '../long-work.ts'
import {
  isRichType,
  type Marks,
  type RichKind,
  type RichLeaf,
  type RichPiece,
  type RichType,
  type RichValue,
  type YType,
} from './rich-type.ts'

/** Items of one type that are read between two steps. */
const ITEMS_PER_STEP = 64

/** A Yjs item may be deleted, and may hold formats, which take no position. */
type Content = Y.Item['content']

/**
 * Reads Yjs types as {@link RichType}. Types that one reader has read can be compared by the `key`, which is a number for each different
 * content; those of two readers can't. Reads untyped roots too, and never changes their type.
 */
export class RichReader {
  readonly #numbers = new Map<string, number>()
  readonly #plain: Marks = { attributes: {}, key: this.#numberOf('{}') }

  /** Reads all of a type. */
  read(type: YType): RichType {
    return doAtOnce(this.reading(type))
  }

  /** The steps to all of a type, which must not change between two of them. */
  reading(type: YType): LongWork<RichType> {
    return this.readingOnly(type, () => true)
  }

  /**
   * The steps to a type without the keys that `takes` leaves out. It gets the content of a key as Yjs' own types give it. `kind` is for
   * types that count as one kind, whatever their class is. The type must not change between two steps.
   */
  *readingOnly(
    type: YType,
    takes: (key: string, value: unknown) => boolean,
    kind: RichKind = kindOf(type),
  ): LongWork<RichType> {
    const entries = new Map<string, RichValue>()
    let read = 0
    const taken = [...type._map].filter(
      ([key, item]) => !item.deleted && takes(key, item.content.getContent()[item.length - 1]),
    )
    for (const [key, item] of taken.sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (++read % ITEMS_PER_STEP === 0) yield
      const value = yield* this.#valueOf(item.content, item.length - 1)
      if (value !== undefined) entries.set(key, value)
    }
    const pieces = yield* this.#piecesOf(type)
    return this.make({ kind, name: nameOf(type), entries, pieces, source: type })
  }

  /** Numbers a type that was put together by the caller. */
  make(type: Omit<RichType, 'key' | 'weight'>): RichType {
    const { kind, name, entries, pieces } = type
    const runs: (string | number | undefined)[] = []
    let open: Marks | undefined
    let weight = 0
    for (const { text, value, marks } of pieces) {
      weight += value?.weight ?? 0
      // Where Yjs cuts a run of characters into items tells nothing of its content.
      if (text !== undefined && open?.key === marks.key) runs.push(`${runs.pop()}${text}`)
      else runs.push(marks.key, text ?? value?.key)
      open = text === undefined ? undefined : marks
    }
    const keys = [...entries].map(([key, value]) => {
      weight += value.weight
      return [key, value.key]
    })
    const shown = JSON.stringify([kind, name, keys, runs])
    return { ...type, key: this.#numberOf(shown), weight: weight + shown.length }
  }

  leaf(kind: RichLeaf['kind'], value: unknown): RichLeaf {
    const shown = `${kind} ${exactText(value)}`
    return { kind, value, key: this.#numberOf(shown), weight: shown.length }
  }

  marks(attributes: Readonly<Record<string, unknown>>): Marks {
    if (Object.keys(attributes).length === 0) return this.#plain
    return { attributes, key: this.#numberOf(exactText(attributes)) }
  }

  *#piecesOf(type: YType): LongWork<RichPiece[]> {
    let read = 0
    const pieces: RichPiece[] = []
    const open = new Map<string, unknown>()
    let marks = this.#plain
    for (let item = type._start; item !== null; item = item.right) {
      const { content, deleted, id } = item
      if (++read % ITEMS_PER_STEP === 0) yield
      if (deleted) continue
      if (content instanceof Y.ContentFormat) {
        if (content.value === null) open.delete(content.key)
        else open.set(content.key, content.value)
        marks = this.marks(Object.fromEntries(open))
      } else if (content instanceof Y.ContentString) {
        const { str: text } = content
        pieces.push({ ...id, length: text.length, text, value: undefined, marks })
      } else {
        for (let at = 0; at < item.length; at++) {
          if (at % ITEMS_PER_STEP === ITEMS_PER_STEP - 1) yield
          const value = yield* this.#valueOf(content, at)
          if (value === undefined) continue
          pieces.push({ client: id.client, clock: id.clock + at, length: 1, text: undefined, value, marks })
        }
      }
    }
    return pieces
  }

  *#valueOf(content: Content, at: number): LongWork<RichValue | undefined> {
    if (content instanceof Y.ContentType) return yield* this.reading(content.type)
    if (content instanceof Y.ContentBinary) return this.leaf('bytes', content.content)
    if (content instanceof Y.ContentEmbed) return this.leaf('embed', content.embed)
    if (content instanceof Y.ContentDoc) {
      const { guid } = content.doc
      return { kind: 'subdocument', guid, key: this.#numberOf(`subdocument ${guid}`), weight: guid.length }
    }
    if (content instanceof Y.ContentDeleted || content instanceof Y.ContentFormat) return undefined
    return this.leaf('json', content.getContent()[at])
  }

  #numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#numbers.set(text, this.#numbers.size)
    return this.#numbers.size - 1
  }
}

/** The guids of all subdocuments in a value. */
export function subdocumentsIn(value: RichValue | undefined): string[] {
  if (value === undefined) return []
  if (!isRichType(value)) return value.kind === 'subdocument' ? [value.guid] : []
  return [...value.entries.values(), ...value.pieces.map((piece) => piece.value)].flatMap(subdocumentsIn)
}

export function kindOf(type: YType): RichKind {
  if (type._item === null) return 'root'
  // The subclasses come first.
  if (type instanceof Y.XmlHook) return 'xmlHook'
  if (type instanceof Y.XmlText) return 'xmlText'
  if (type instanceof Y.XmlElement) return 'xmlElement'
  if (type instanceof Y.XmlFragment) return 'xmlFragment'
  if (type instanceof Y.Text) return 'text'
  return type instanceof Y.Map ? 'map' : 'array'
}

export function nameOf(type: YType): string {
  if (type instanceof Y.XmlElement) return type.nodeName
  return type instanceof Y.XmlHook ? type.hookName : ''
}

/** Text of any value that Yjs can hold. It differs where JSON would not: for bytes, `undefined` and big integers. */
export function exactText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  if (value instanceof Uint8Array) return `bytes(${value.join()})`
  if (Array.isArray(value)) return `[${value.map(exactText).join()}]`
  const object = value as Readonly<Record<string, unknown>>
  const keys = Object.keys(object).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${exactText(object[key])}`).join()}}`
}
