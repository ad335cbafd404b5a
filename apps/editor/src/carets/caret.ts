import { plainIndexOf, yjsIndexOf } from '@joinery/blocks'
import * as Y from 'yjs'
import { isPerson, type Person } from '../person.ts'

/** A caret in a block's text, as presence has it: relative to the characters beside it, so that edits move it along. */
export interface CaretState {
  readonly block: string
  readonly anchor: PlaceState
  readonly head: PlaceState
}

/** A Yjs relative position as JSON. */
export interface PlaceState {
  readonly type?: Id
  readonly tname?: string
  readonly item?: Id
  readonly assoc: number
}
interface Id {
  readonly client: number
  readonly clock: number
}

/** A selection in the plain string of a text; both ends are equal if nothing is selected. */
export interface Selection {
  readonly anchor: number
  readonly head: number
}

/** Caret of another person. */
export interface RemoteCaret {
  readonly clientId: number
  readonly person: Person
  readonly caret: CaretState
}

/**
 * Converts a selection in `text` to a caret that stays before the same characters whatever is edited. So typing on at the
 * end of a text, or before a character, does not change the caret, and nothing has to be sent.
 */
export function caretIn(block: string, text: Y.Text, { anchor, head }: Selection): CaretState {
  const place = (index: number): PlaceState => {
    const position = Y.createRelativePositionFromTypeIndex(text, Math.min(yjsIndexOf(text, index), text.length))
    return Y.relativePositionToJSON(position) as PlaceState
  }
  return { block, anchor: place(anchor), head: place(head) }
}

/** Converts a caret to its present selection in `text`; undefined if it is in another text, in none, or not yet in this copy. */
export function selectionIn(text: Y.Text, { anchor, head }: CaretState): Selection | undefined {
  const { doc } = text
  if (doc === null) return undefined
  const indexOf = (place: PlaceState): number | undefined => {
    const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(place), doc)
    return found?.type === text ? plainIndexOf(text, found.index) : undefined
  }
  const ends = { anchor: indexOf(anchor), head: indexOf(head) }
  return ends.anchor === undefined || ends.head === undefined ? undefined : (ends as Selection)
}

/** Reads a person with a caret from a peer's presence; undefined if it is not one, because a peer may put anything there. */
export function readCaret(clientId: number, state: Readonly<Record<string, unknown>>): RemoteCaret | undefined {
  const { cursor } = state
  if (!isPerson(state) || !isObject(cursor)) return undefined
  const { block, anchor, head } = cursor
  if (typeof block !== 'string' || !isPlace(anchor) || !isPlace(head)) return undefined
  return { clientId, person: { name: state.name, hue: state.hue }, caret: { block, anchor, head } }
}

function isPlace(value: unknown): value is PlaceState {
  if (!isObject(value)) return false
  const { type, tname, item, assoc } = value
  // The editor's texts are never root types, and resolving the name of a root type would create it.
  return (
    tname === undefined && typeof assoc === 'number' && [type, item].every(isIdOrNone) && (isId(type) || isId(item))
  )
}

const isIdOrNone = (value: unknown): boolean => value === undefined || value === null || isId(value)

function isId(value: unknown): value is Id {
  return isObject(value) && [value.client, value.clock].every((it) => Number.isSafeInteger(it) && Number(it) >= 0)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
