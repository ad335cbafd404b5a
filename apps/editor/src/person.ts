/** The person at this device, as others see them. */
export interface Person {
  readonly name: string
  /** Hue of the person's colour, degrees. */
  readonly hue: number
}

/** Longest name that peers show, code units. */
export const NAME_LENGTH_MAX = 64

const KEY = 'joinery person'
// 64 of each: two of ten people who are given a name in one workspace have the same one once in a hundred times.
const MANNERS = `
  Able Amiable Apt Blithe Bold Brave Bright Brisk Calm Candid Cheery Civil Clear Clever Cordial Crisp Daring Deft Eager
  Earnest Fleet Frank Fresh Genial Gentle Glad Gracious Happy Hardy Honest Jolly Jovial Just Keen Kind Lively Loyal Lucky
  Mellow Merry Mild Modest Neat Nimble Noble Patient Playful Proud Quick Quiet Ready Sage Serene Sharp Smart Sound Steady
  Sunny Swift Tidy True Warm Wise Witty
`
const TREES = `
  Acacia Alder Almond Apple Ash Aspen Balsa Bamboo Banyan Baobab Bay Beech Birch Cacao Cassia Cedar Cherry Chestnut Cork
  Cypress Ebony Elder Elm Fig Fir Hawthorn Hazel Hemlock Hickory Holly Hornbeam Ironwood Juniper Larch Laurel Lemon Lime
  Linden Mango Maple Medlar Mulberry Myrtle Oak Olive Orange Palm Peach Pear Pecan Pine Plum Poplar Quince Redwood Rowan
  Sequoia Spruce Sycamore Tamarind Teak Walnut Willow Yew
`

/** Reads the person of earlier visits; makes and keeps a new one at the first visit. */
export function readPerson(storage: Pick<Storage, 'getItem' | 'setItem'>, random: () => number): Person {
  const stored = parsePerson(storage.getItem(KEY))
  if (stored !== undefined) return stored
  const pick = (words: string): string => {
    const all = words.trim().split(/\s+/)
    return all[Math.floor(random() * all.length)] ?? 'Guest'
  }
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
