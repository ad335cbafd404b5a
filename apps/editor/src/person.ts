/** The person at this device, as others see them. */
export interface Person {
  readonly name: string
  /** Hue of the person's colour, degrees. */
  readonly hue: number
}

/** Longest name that peers show, code units. */
export const NAME_LENGTH_MAX = 64

const KEY = 'joinery person'
const MANNERS = ['Calm', 'Bright', 'Quick', 'Kind', 'Bold', 'Merry', 'Quiet', 'Wise']
const TREES = ['Oak', 'Elm', 'Ash', 'Maple', 'Walnut', 'Cherry', 'Larch', 'Cedar']

/** Reads the person of earlier visits; makes and keeps a new one at the first visit. */
export function readPerson(storage: Pick<Storage, 'getItem' | 'setItem'>, random: () => number): Person {
  const stored = parsePerson(storage.getItem(KEY))
  if (stored !== undefined) return stored
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? 'Guest'
  const person = { name: `${pick(MANNERS)} ${pick(TREES)}`, hue: Math.floor(random() * 360) }
  keepPerson(storage, person)
  return person
}

/** Keeps the person for later visits. */
export function keepPerson(storage: Pick<Storage, 'setItem'>, person: Person): void {
  storage.setItem(KEY, JSON.stringify(person))
}

function parsePerson(text: string | null): Person | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return isPerson(value) ? { name: value.name, hue: value.hue } : undefined
  } catch {
    // Another program has used this key: the next write replaces its value.
    return undefined
  }
}

/** Whether a value from a peer's presence is a person that may be shown. */
export function isPerson(value: unknown): value is Person {
  if (typeof value !== 'object' || value === null) return false
  const { name, hue } = value as Partial<Record<keyof Person, unknown>>
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= NAME_LENGTH_MAX &&
    typeof hue === 'number' &&
    Number.isFinite(hue)
  )
}

/** Colour of somebody who has chosen none, such as a job: the same on every screen. Degrees. */
export function hueOf(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360
  return sum
}
