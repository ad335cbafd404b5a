import type { Json } from '../json.ts'
import type { ContentPath } from './content-path.ts'

type Attributes = { readonly [key: string]: Json }

/** One change of a content. `index` is a place in the sequence as it is after the change, in the positions that Yjs counts. */
export type ContentChange = ContentPath &
  (
    | { readonly kind: 'text_inserted'; readonly index: number; readonly length: number; readonly text: string }
    | { readonly kind: 'text_deleted'; readonly index: number; readonly length: number; readonly text: string }
    | {
        readonly kind: 'formatted'
        readonly index: number
        readonly length: number
        readonly before: Attributes
        readonly after: Attributes
      }
    /** An embed of a text. */
    | { readonly kind: 'embed_added' | 'embed_removed'; readonly index: number; readonly value: Json }
    /** An item of a list, or a child of an XML element with its name. */
    | {
        readonly kind: 'item_added' | 'item_removed'
        readonly index: number
        readonly name?: string
        readonly value: Json
      }
    /** A key of a map, or an attribute of an XML element or a text. A side is left out where there was nothing. */
    | {
        readonly kind: 'key_changed' | 'attribute_changed'
        readonly key: string
        readonly before?: Json
        readonly after?: Json
      }
  )

/** Characters of a text in one change. `length` tells how many there were. */
export const CHANGE_TEXT_CHARS_MAX = 1_000
/** Characters of JSON of one value in a change. In the place of a larger one stands `{ "type": "too large", "chars": … }`. */
export const CHANGE_VALUE_CHARS_MAX = 4_000

/** Changes in order, as many as fit. Changes of a text that follow each other are one. */
export class ChangeList {
  readonly changes: ContentChange[] = []
  /** Changes beyond the limit. */
  omitted = 0
  readonly #changesMax: number

  constructor(changesMax: number) {
    this.#changesMax = changesMax
  }

  add(change: ContentChange): void {
    const last = this.changes.at(-1)
    const joined = last && joinedWith(last, change)
    if (joined !== undefined) this.changes[this.changes.length - 1] = joined
    else if (this.changes.length >= this.#changesMax) this.omitted++
    else this.changes.push(change)
  }

  text(at: ContentPath, kind: 'text_inserted' | 'text_deleted', index: number, text: string): void {
    this.add({ ...at, kind, index, length: text.length, text: text.slice(0, CHANGE_TEXT_CHARS_MAX) })
  }
}

function joinedWith(last: ContentChange, next: ContentChange): ContentChange | undefined {
  if (last.path !== next.path || last.root !== next.root) return undefined
  if (next.kind === 'text_inserted' && last.kind === next.kind && last.index + last.length === next.index) {
    return { ...last, length: last.length + next.length, text: joinText(last.text, next.text) }
  }
  if (next.kind === 'text_deleted' && last.kind === next.kind && last.index === next.index)
    return { ...last, length: last.length + next.length, text: joinText(last.text, next.text) }
  return undefined
}

function joinText(a: string, b: string): string {
  return (a + b).slice(0, CHANGE_TEXT_CHARS_MAX)
}

/** A value as a change tells it. */
export function toldValue(form: Json): Json {
  const chars = JSON.stringify(form).length
  return chars <= CHANGE_VALUE_CHARS_MAX ? form : { type: 'too large', chars }
}

/** The sides of a change of a key: those that there are. */
export function sidesOf(before: Json | undefined, after: Json | undefined): { before?: Json; after?: Json } {
  return { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
}
