import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { plainEditsOf, plainTextOf } from './plain-text.ts'
import { replaceText } from './replace-text.ts'
import { applyEdits } from './text-diff.ts'

const words = fc
  .array(fc.constantFrom('the', 'cat', ' ', '\n', '😀', '👩‍🚀', '漢', 'é', 'dog', '.'), { maxLength: 12 })
  .map((found) => found.join(''))
const marks = fc.record({ bold: fc.constantFrom(true, null), color: fc.constantFrom('red', 'blue', null) })
const piece = fc.oneof(
  fc.record({ insert: words, marks: fc.option(marks, { nil: undefined }) }),
  fc.record({ embed: fc.nat(9), marks: fc.option(marks, { nil: undefined }) }),
  fc.record({ nested: fc.nat(9) }),
  fc.record({ at: fc.nat(30), length: fc.nat(8), marks }),
)

interface Unit {
  readonly id: string
  /** One code unit; undefined for an embed. */
  readonly char: string | undefined
  readonly marks: Readonly<Record<string, unknown>>
}

/** All that a reader sees of a text, with the Yjs id of each code unit and embed. */
function unitsOf(text: Y.Text): Unit[] {
  const units: Unit[] = []
  const current = new Map<string, unknown>()
  for (let item = text._start; item !== null; item = item.right) {
    const { content, deleted, id } = item
    if (deleted) continue
    if (content instanceof Y.ContentFormat) {
      if (content.value === null) current.delete(content.key)
      else current.set(content.key, content.value)
      continue
    }
    for (let at = 0; at < item.length; at++) {
      const char = content instanceof Y.ContentString ? content.str[at] : undefined
      units.push({ id: `${id.client} ${id.clock + at}`, char, marks: Object.fromEntries(current) })
    }
  }
  return units
}

/** Builds a text, each piece by a client of its own in turn. */
function build(pieces: readonly (typeof piece extends fc.Arbitrary<infer T> ? T : never)[]): Y.Text {
  const doc = new Y.Doc()
  const text = doc.getText('t')
  for (const one of pieces) {
    if ('insert' in one) text.insert(text.length, one.insert, one.marks)
    else if ('embed' in one) text.insertEmbed(text.length, { image: one.embed }, one.marks)
    else if ('nested' in one) text.insertEmbed(text.length, new Y.Map([['n', one.nested]]))
    else {
      const at = Math.min(one.at, text.length)
      const length = Math.min(one.length, text.length - at)
      if (length > 0) text.format(at, length, one.marks)
    }
  }
  return text
}

test('[B47] any rewrite of any rich text gives the asked text, and keeps embeds and marks', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(words, { minLength: 1, maxLength: 4 }),
      (pieces, rewrites) => {
        const text = build(pieces)
        for (const next of rewrites) {
          const plain = plainTextOf(text)
          const before = unitsOf(text)
          let reported = plain
          const onText = (event: Y.YTextEvent): void => {
            for (const edit of plainEditsOf(event)) reported = applyEdits(reported, [edit])
          }
          text.observe(onText)
          replaceText(text, next)
          text.unobserve(onText)
          expect(plainTextOf(text)).toBe(next)
          expect(reported).toBe(next)
          const after = new Map(unitsOf(text).map((unit) => [unit.id, unit]))
          for (const [at, unit] of before.entries()) {
            const kept = after.get(unit.id)
            if (kept !== undefined) expect(kept.marks).toEqual(unit.marks)
            else if (unit.char === undefined) {
              const neighbours = [
                before.slice(0, at).findLast(({ char }) => char !== undefined),
                before.slice(at).find(({ char }) => char !== undefined),
              ]
              for (const beside of neighbours) expect(beside !== undefined && !after.has(beside.id)).toBe(true)
            }
          }
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

test('[B47] rewriting any rich text with its own plain string makes no update', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = build(pieces)
      let updates = 0
      text.doc?.on('update', () => {
        updates += 1
      })
      replaceText(text, plainTextOf(text))
      expect(updates).toBe(0)
    }),
  )
})
