import { NAME_LENGTH_MAX, type Person } from '../person.ts'
import { claimsOf } from './token-text.ts'

/** The person whom a token names, by which the server stamps their edits; undefined if it names nobody. */
export function personOf(token: string | undefined): Person | undefined {
  const sub = token === undefined ? undefined : claimsOf(token).sub
  return sub === undefined ? undefined : { name: sub.slice(0, NAME_LENGTH_MAX), hue: hueOf(sub) }
}

/** The same colour for a name on every device. */
function hueOf(name: string): number {
  let sum = 7
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360_007
  return sum % 360
}
