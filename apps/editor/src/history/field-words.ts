import { isCommentField } from '@joinery/blocks'
import { PLACE_FIELD } from '@joinery/client'

/** Words for a field that the page itself writes. A person knows what they did, not the name of a field. */
interface FieldWords {
  /** The change as a sentence of its own; undefined for a field whose values tell it. */
  readonly change?: string
  /** Name of the value in a list of values. */
  readonly name?: string
  /** The deed of a step, before the block's name. */
  readonly deed: string
}

const FIELDS: Readonly<Record<string, FieldWords>> = {
  title: { name: 'Name', deed: 'renamed' },
  position: { change: 'Moved on the canvas.', deed: 'moved' },
  [PLACE_FIELD]: { change: 'Moved in the list.', deed: 'moved in the list' },
  size: { change: 'Made larger or smaller.', deed: 'resized' },
}
const COMMENT: FieldWords = { change: 'Comments changed.', deed: 'commented on' }

/** Words for the field `key`, an application's own included. */
export function fieldWords(key: string): FieldWords {
  if (isCommentField(key)) return COMMENT
  const known = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined
  return known ?? { deed: `changed “${key}” of` }
}
