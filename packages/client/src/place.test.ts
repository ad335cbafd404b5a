import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placeBetween } from './place.ts'

/** Ids as people, this editor and stock clients make them. */
const id = fc.oneof(
  fc.stringMatching(/^[a-z0-9-]{1,12}$/),
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
)
const isRoomBetween = (a: string, b: string): boolean => !b.startsWith(a) || b.charCodeAt(a.length) > 0x21

test('[C83] a place lies between its neighbours, again and again in one gap, whatever their ids', () => {
  fc.assert(
    fc.property(
      id,
      id,
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999 })),
      (one, other, sides, random) => {
        let [low, high] = [one, other].sort() as [string, string]
        fc.pre(low !== high && isRoomBetween(low, high))
        for (const isLow of sides) {
          const place = placeBetween(low, high, () => random.next().value)
          expect(low < place && place < high).toBe(true)
          if (isLow) low = place
          else high = place
        }
      },
    ),
  )
})

test('[C83] a place before all and one behind all lie there, again and again, and stay short', () => {
  let [first, last] = ['0mwq9hv8d-5a5b0599-ad4b', '0mwq9hv8d-5a5b0599-ad4b']
  for (let i = 0; i < 200; i += 1) {
    const [before, behind] = [placeBetween(undefined, first, Math.random), placeBetween(last, undefined, Math.random)]
    expect(before < first && last < behind).toBe(true)
    first = before
    last = behind
  }
  expect(Math.max(first.length, last.length)).toBeLessThan(80)
})

test('[C83] where there is no room between two ids a place is still made, behind the first', () => {
  expect(placeBetween('a', 'a!', () => 0.5) > 'a').toBe(true)
  expect(placeBetween('a', 'a', () => 0.5) > 'a').toBe(true)
  expect(placeBetween('a', 'a\u0000', () => 0.5) > 'a').toBe(true)
})

test('[C83] ids that begin alike with what no keyboard types leave room like others', () => {
  // Found by the property above, seed -382834766.
  const first = placeBetween('\u0001a', '\u0001b', () => 0.5)
  const second = placeBetween('\u0001a', first, () => 0.5)
  expect('\u0001a' < second && second < first && first < '\u0001b').toBe(true)
})
