import * as Y from 'yjs'
import { BlocksError } from '../blocks-error.ts'
import { isForbiddenKey, isPlainObject, type Json, type JsonObject } from '../json.ts'
import { replaceText } from '../replace-text.ts'
import { insertPlain, setPlain } from '../set-plain.ts'
import { alignSequences } from './align.ts'
import { deltaIn, jsonFormOf } from './json-form.ts'
import { type JsonWrite, plainNext, readsAs } from './plain-value.ts'
import { replaceDelta } from './replace-delta.ts'
import { RichReader } from './rich-reader.ts'
import type { RichPiece } from './rich-type.ts'

/**
 * Writes JSON into a shared map, as {@link jsonFormOf} gives it, with the smallest edits: a part that reads as the JSON has it stays
 * what it is, texts are edited, and nested maps and arrays keep what is the same. Keys that no reader shows stay. Bytes and texts
 * with a delta can be written in their form. Throws `foreign_shape`, before any edit, where other JSON is to replace XML or a
 * subdocument, which JSON can't hold.
 *
 * A null for a member that is null leaves it, also in a patch, which could not send back what it has read otherwise.
 */
export function writeJson(map: Y.Map<unknown>, json: JsonObject, write: JsonWrite): void {
  const edits = mapEdits(map, json, write, '')
  if (edits.length === 0) return
  map.doc?.transact(() => {
    for (const edit of edits) edit()
  })
}

/** Throws as {@link writeJson} does, and writes nothing. */
export function checkJson(map: Y.Map<unknown>, json: JsonObject, write: JsonWrite): void {
  if (holdsMoreThanJson(map)) mapEdits(map, json, write, '')
}

type Edit = () => void
type Place = (value: unknown) => void

function mapEdits(map: Y.Map<unknown>, json: JsonObject, write: JsonWrite, path: string): Edit[] {
  const edits: Edit[] = []
  if (write === 'replace') {
    for (const [key, value] of map.entries()) {
      const isShown = value !== undefined && !isForbiddenKey(key)
      if (isShown && !Object.hasOwn(json, key)) edits.push(() => map.delete(key))
    }
  }
  for (const [key, value] of Object.entries(json)) {
    const before = map.get(key)
    if (write === 'patch' && value === null) {
      if (before !== undefined && !readsAs(before, null)) edits.push(() => map.delete(key))
    } else
      for (const edit of valueEdits(before, value, write, `${path}/${key}`, (next) => setPlain(map, key, next)))
        edits.push(edit)
  }
  return edits
}

function valueEdits(before: unknown, next: Json, write: JsonWrite, path: string, set: Place): Edit[] {
  if (before instanceof Y.Map && isObject(next)) return mapEdits(before, next, write, path)
  const isType = before instanceof Y.AbstractType || before instanceof Y.Doc
  if (isType && readsAs(before, next)) return []
  if (before instanceof Y.XmlFragment || before instanceof Y.XmlText || before instanceof Y.Doc)
    throw new BlocksError(
      'foreign_shape',
      `data${path} is ${before instanceof Y.Doc ? 'a subdocument' : 'XML'}, which JSON can't replace: remove it first, or edit it through a socket`,
      'data',
    )
  if (before instanceof Y.Text) {
    const delta = deltaIn(next)
    if (typeof next === 'string') return [() => replaceText(before, next)]
    if (delta !== undefined) return [() => replaceDelta(before, delta)]
  }
  if (before instanceof Y.Array && Array.isArray(next)) return arrayEdits(before, next, path)
  return newEdits(before, next, write, set)
}

function newEdits(before: unknown, next: Json, write: JsonWrite, set: Place): Edit[] {
  const delta = deltaIn(next)
  if (delta === undefined) {
    const value = plainNext(before, next, write)
    return before !== undefined && Object.is(value, before) ? [] : [() => set(value)]
  }
  if (before !== undefined && readsAs(before, next)) return []
  return [
    () => {
      const text = new Y.Text()
      set(text)
      replaceDelta(text, delta)
    },
  ]
}

/** Edits of a shared array: what reads the same stays, and one value that becomes another is edited inside where it can be. */
function arrayEdits(array: Y.Array<unknown>, next: readonly Json[], path: string): Edit[] {
  const reader = new RichReader()
  const items = array.toArray()
  const piecesOf = (client: number, forms: readonly Json[]): RichPiece[] =>
    forms.map((form, clock) => ({
      client,
      clock,
      length: 1,
      text: undefined,
      value: reader.leaf('json', form),
      marks: reader.marks({}),
    }))
  const steps = alignSequences(
    piecesOf(
      0,
      items.map((item) => jsonFormOf(item)),
    ),
    piecesOf(1, next),
  )
  const edits: Edit[] = []
  let [old, index] = [0, 0]
  for (let at = 0; at < steps.length; ) {
    if (steps[at]?.op === 'keep') {
      at++
      old++
      index++
      continue
    }
    let [removed, added] = [0, 0]
    for (; at < steps.length && steps[at]?.op !== 'keep'; at++) steps[at]?.op === 'remove' ? removed++ : added++
    const place = index
    const inner = Math.min(removed, added)
    for (let n = 0; n < inner; n++) {
      const [from, to] = [place + n, next[index + n] as Json]
      const replace: Place = (value) => {
        array.delete(from)
        insertPlain(array, from, value)
      }
      for (const edit of valueEdits(items[old + n], to, 'replace', `${path}/${from}`, replace)) edits.push(edit)
    }
    const rest = next.slice(index + inner, index + added)
    if (removed > inner) edits.push(() => array.delete(place + inner, removed - inner))
    for (const [n, value] of rest.entries()) {
      const insert: Place = (made) => insertPlain(array, place + inner + n, made)
      for (const edit of newEdits(undefined, value, 'replace', insert)) edits.push(edit)
    }
    old += removed
    index += added
  }
  return edits
}

/** True if a type holds XML or subdocuments at some depth. */
function holdsMoreThanJson(type: Y.ContentType['type']): boolean {
  const isMore = ({ deleted, content }: Y.Item): boolean => {
    if (deleted) return false
    if (content instanceof Y.ContentDoc) return true
    if (!(content instanceof Y.ContentType)) return false
    return content.type instanceof Y.XmlFragment || content.type instanceof Y.XmlText || holdsMoreThanJson(content.type)
  }
  for (const item of type._map.values()) if (isMore(item)) return true
  for (let item = type._start; item !== null; item = item.right) if (isMore(item)) return true
  return false
}

function isObject(value: Json): value is JsonObject {
  return isPlainObject(value)
}
