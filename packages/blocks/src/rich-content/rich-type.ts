import type * as Y from 'yjs'

/** Any Yjs type. */
export type YType = Y.ContentType['type']

/** The Yjs types, by what they are made again as. A root has no kind of its own: each client names it as it likes. */
export type RichKind = 'root' | 'map' | 'array' | 'text' | 'xmlFragment' | 'xmlElement' | 'xmlText' | 'xmlHook'

/**
 * All that a Yjs type shows, as data that does not change with the document. Every Yjs type has keys and a sequence: the keys of
 * a map, or the attributes of an element or a text, and the items of a list, the children of an element or the characters of a text.
 */
export interface RichType {
  readonly kind: RichKind
  /** The name of an XML element or hook, otherwise empty. */
  readonly name: string
  readonly entries: ReadonlyMap<string, RichValue>
  readonly pieces: readonly RichPiece[]
  /** Equal for two types of one reader that show the same, at every depth. */
  readonly key: number
  /** Characters that tell it from other contents, at every depth: the work to read and to compare it grows with them. */
  readonly weight: number
  /** The type that was read. */
  readonly source: YType | undefined
}

/** A value that is no type: JSON (with bytes inside, perhaps), bytes, or an embed of a text. */
export interface RichLeaf {
  readonly kind: 'json' | 'bytes' | 'embed'
  readonly value: unknown
  readonly key: number
  readonly weight: number
}

/** A reference to a subdocument, whose content stands in no document but its own. */
export interface RichSubdocument {
  readonly kind: 'subdocument'
  readonly guid: string
  readonly key: number
  readonly weight: number
}

export type RichValue = RichType | RichLeaf | RichSubdocument

/** Marks of characters or of an embed. */
export interface Marks {
  readonly attributes: Readonly<Record<string, unknown>>
  /** Equal for the same marks of one reader. */
  readonly key: number
}

/** A run of characters of the same marks, or one value, in a sequence. Its ids in Yjs are `client`, `clock` and the ones after it. */
export interface RichPiece {
  readonly client: number
  readonly clock: number
  /** Positions that Yjs counts: code units, or 1. */
  readonly length: number
  /** The characters; undefined for a value. */
  readonly text: string | undefined
  readonly value: RichValue | undefined
  readonly marks: Marks
}

export function isRichType(value: RichValue | undefined): value is RichType {
  return value !== undefined && 'pieces' in value
}

/** A part of a piece: `length` positions from `start` on. */
export function slicePiece(piece: RichPiece, start: number, length: number): RichPiece {
  if (start === 0 && length === piece.length) return piece
  const { client, clock, text, value, marks } = piece
  return { client, clock: clock + start, length, text: text?.slice(start, start + length), value, marks }
}

/** True if one type can become the other by edits inside it. */
export function isSameSort(a: RichValue | undefined, b: RichValue | undefined): boolean {
  return isRichType(a) && isRichType(b) && a.kind === b.kind && a.name === b.name
}

/** The type as it was when it was made: of the same sort, and empty. */
export function emptiedOf({ kind, name }: Pick<RichType, 'kind' | 'name'>): RichType {
  return { kind, name, entries: new Map(), pieces: [], key: -1, weight: 0, source: undefined }
}
