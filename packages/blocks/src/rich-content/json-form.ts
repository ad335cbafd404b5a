import * as Y from 'yjs'
import { isPlainObject, isSameJson, JSON_DEPTH_MAX, type Json, toPlain } from '../json.ts'
import { plainTextOf } from '../plain-text.ts'

/** One piece of a Quill delta that is a document: characters or one embed, with its marks. */
export interface DeltaPiece {
  readonly insert: string | { readonly [key: string]: Json }
  readonly attributes?: { readonly [key: string]: Json }
}

/** How a text reads: as its characters, or with marks and embeds as `{ "type": "Y.Text", "delta": [...] }`. */
export type TextForm = 'string' | 'delta'

const [BYTES, TEXT, SUBDOCUMENT] = ['Uint8Array', 'Y.Text', 'Y.Doc']

/**
 * Any value of a document as JSON. Yjs maps and arrays become objects and arrays, XML becomes its text, bytes become
 * `{ "type": "Uint8Array", "base64": "…" }`, a subdocument `{ "type": "Y.Doc", "guid": "…" }`. Never throws.
 */
export function jsonFormOf(value: unknown, texts: TextForm = 'string'): Json {
  const form = (each: unknown): unknown => {
    if (each === undefined || (typeof each === 'number' && !Number.isFinite(each))) return null
    if (each instanceof Uint8Array) return { type: BYTES, base64: base64Of(each) }
    if (each instanceof Y.Doc) return { type: SUBDOCUMENT, guid: each.guid }
    if (!(each instanceof Y.Text) || each instanceof Y.XmlText) return undefined
    return texts === 'string' ? plainTextOf(each) : { type: TEXT, delta: deltaOf(each) }
  }
  return toPlain(value, JSON_DEPTH_MAX, form) as Json
}

/** A text as a Quill delta. An embed that is no object is the `value` of one: a string in a delta means characters. */
export function deltaOf(text: Y.Text): DeltaPiece[] {
  const delta: DeltaPiece[] = []
  for (const { insert, attributes } of text.toDelta() as { insert: unknown; attributes?: unknown }[]) {
    const marks = attributes === undefined ? undefined : (jsonFormOf(attributes) as DeltaPiece['attributes'])
    const last = delta.at(-1)
    if (typeof insert === 'string' && typeof last?.insert === 'string' && isSameJson(last.attributes, marks))
      delta[delta.length - 1] = { ...last, insert: last.insert + insert }
    else
      delta.push({
        insert: typeof insert === 'string' ? insert : embedForm(insert),
        ...(marks && { attributes: marks }),
      })
  }
  return delta
}

/** An embed as it reads in a delta. */
export function embedForm(value: unknown): { readonly [key: string]: Json } {
  const form = jsonFormOf(value)
  return isPlainObject(form) ? (form as { readonly [key: string]: Json }) : { value: form }
}

/** The characters of a delta. */
export function charactersOf(delta: readonly DeltaPiece[]): string {
  return delta.map(({ insert }) => (typeof insert === 'string' ? insert : '')).join('')
}

/** The delta of a text's form; undefined for any other JSON. */
export function deltaIn(value: Json): readonly DeltaPiece[] | undefined {
  if (!isForm(value, TEXT, 'delta') || !Array.isArray(value.delta)) return undefined
  return isDelta(value.delta) ? value.delta : undefined
}

/** True for a delta that is a document: insertions of text and objects, with or without attributes. */
export function isDelta(value: unknown): value is readonly DeltaPiece[] {
  return Array.isArray(value) && value.every(isDeltaPiece)
}

function isDeltaPiece(value: unknown): value is DeltaPiece {
  if (!isPlainObject(value)) return false
  const { insert, attributes, ...rest } = value
  const isInsert = typeof insert === 'string' || isPlainObject(insert)
  return isInsert && (attributes === undefined || isPlainObject(attributes)) && Object.keys(rest).length === 0
}

/** The bytes of their form; undefined for any other JSON. */
export function bytesIn(value: Json): Uint8Array | undefined {
  if (!isForm(value, BYTES, 'base64') || typeof value.base64 !== 'string') return undefined
  const { base64 } = value
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return undefined
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}

function isForm(value: Json, type: string | undefined, key: string): value is { readonly [key: string]: Json } {
  return isPlainObject(value) && value.type === type && Object.hasOwn(value, key) && Object.keys(value).length === 2
}

/** Bytes of one part of a conversion: a call takes no more arguments than the stack holds. */
const PART_BYTES = 8_192

function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    text += String.fromCharCode(...bytes.subarray(at, at + PART_BYTES))
  return btoa(text)
}
