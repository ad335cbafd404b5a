/** Who sits at this device, as others see it. */
export interface Person {
  readonly name: string
  /** Hue of their colour, degrees. */
  readonly hue: number
}

/** Code units of a name: what peers show. */
export const NAME_LENGTH_MAX = 64

const KEY = 'joinery person'
const MANNERS = ['Calm', 'Bright', 'Quick', 'Kind', 'Bold', 'Merry', 'Quiet', 'Wise']
const TREES = ['Oak', 'Elm', 'Ash', 'Maple', 'Walnut', 'Cherry', 'Larch', 'Cedar']

/** The person of earlier visits; a new one on the first. */
export function readPerson(storage: Pick<Storage, 'getItem' | 'setItem'>, random: () => number): Person {
  const stored = parsePerson(storage.getItem(KEY))
  if (stored !== undefined) return stored
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? 'Guest'
  const person = { name: `${pick(MANNERS)} ${pick(TREES)}`, hue: Math.floor(random() * 360) }
  keepPerson(storage, person)
  return person
}

/** For later visits. */
export function keepPerson(storage: Pick<Storage, 'setItem'>, person: Person): void {
  storage.setItem(KEY, JSON.stringify(person))
}

function parsePerson(text: string | null): Person | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return isPerson(value) ? { name: value.name, hue: value.hue } : undefined
  } catch {
    // Somebody else's words under our key: the next write replaces them.
    return undefined
  }
}

/** True for what a peer may say of themselves and be shown. */
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
