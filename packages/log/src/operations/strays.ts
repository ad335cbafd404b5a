import type { DatabaseMoment } from '../disk/database.ts'
import type { Lsn } from '../lsn.ts'
import { KIND, kindRange, nameKey, numberOfKey, OWNED_KINDS } from '../records/key.ts'
import type { Problems } from './problem.ts'

const KINDS_KNOWN: ReadonlySet<number> = new Set(Object.values(KIND))

/** Reports entries that belong to nothing: entries of unknown kinds, and records of numbers that no workspace has. */
export async function checkStrays(
  moment: DatabaseMoment,
  numbers: ReadonlySet<number>,
  heads: ReadonlyMap<number, Lsn>,
  problems: Problems,
): Promise<void> {
  const known = [...KINDS_KNOWN].sort((a, b) => a - b)
  for (const [index, kind] of known.entries()) {
    const next = known[index + 1]
    const range = {
      gte: Buffer.from([kind + 1]),
      lt: next === undefined ? Buffer.alloc(64, 0xff) : Buffer.from([next]),
    }
    if (next === kind + 1) continue
    const stray = await moment.last(range)
    if (stray) problems.add({ code: 'stray_entry', message: `an entry is of unknown kind ${stray[0][0]}` })
  }
  for (const kind of OWNED_KINDS) {
    for (const number of await numbersOf(moment, kind)) {
      if (numbers.has(number)) continue
      const message = `entries of kind ${kind} and number ${number} belong to no workspace`
      problems.add({ code: 'identity_missing', message })
    }
  }
  for (const number of heads.keys()) {
    if (numbers.has(number)) continue
    problems.add({
      code: 'identity_missing',
      message: `number ${number} had records, and no workspace has that number`,
    })
  }
}

/** The workspace numbers in the entries of a kind: one seek for each. */
async function numbersOf(moment: DatabaseMoment, kind: number): Promise<number[]> {
  const { gte, lt: end } = kindRange(kind)
  const numbers: number[] = []
  for (let lt = end; ; ) {
    const last = await moment.last({ gte, lt })
    if (last === undefined) return numbers
    const number = numberOfKey(last[0])
    numbers.push(number)
    const first = Buffer.from(nameKey(number))
    first[0] = kind
    lt = first
  }
}
