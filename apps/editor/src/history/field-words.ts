import { isCommentField } from '@joinery/blocks'
import { PLACE_FIELD } from '@joinery/client'

/** Words for a field that the page itself writes. A person knows what they did, not the name of a field. */
interface FieldWords {
  /** The change as a sentence of its own; undefined for a field whose values tell it. */
  readonly change?: string
  /** Name of the value in a list of values. */
  readonly name?: string
}

const FIELDS: Readonly<Record<string, FieldWords>> = {
  title: { name: 'Name' },
  position: { change: 'Moved on the canvas.' },
  [PLACE_FIELD]: { change: 'Moved in the list.' },
  size: { change: 'Made larger or smaller.' },
}
const COMMENT: FieldWords = { change: 'Comments changed.' }
const OTHER: FieldWords = {}

/** Words for the field `key`, an application's own included. */
export function fieldWords(key: string): FieldWords {
  if (isCommentField(key)) return COMMENT
  return Object.hasOwn(FIELDS, key) ? (FIELDS[key] ?? OTHER) : OTHER
}
