import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { randomBelow, seededRandom } from '../../support/seeded-random.ts'

/** `[position, deleted characters, inserted text]`. */
export type Patch = readonly [number, number, string]

/** One author's editing history: transactions applied in order to an empty text give `endContent`. */
export interface Trace {
  readonly txns: readonly { readonly patches: readonly Patch[] }[]
  readonly endContent: string
}

/** Reads a gzipped JSON trace. Throws if it is something else. */
export function readTrace(file: string): Trace {
  const parsed: unknown = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'))
  if (!isTrace(parsed)) throw new Error(`${file} is no editing trace: it needs txns[].patches and endContent`)
  return parsed
}

function isTrace(value: unknown): value is Trace {
  return (
    typeof value === 'object' &&
    value !== null &&
    'endContent' in value &&
    typeof value.endContent === 'string' &&
    'txns' in value &&
    Array.isArray(value.txns)
  )
}

/** The size of the published history of one paper, which the generated one stands in for. */
export const HISTORY_EDITS = 259_778
const SEED = 1

/**
 * A history as one person writes a text: runs of typing, a fifth of the keystrokes corrections, the cursor jumping back
 * to an earlier place now and then.
 */
export function generateTrace(edits = HISTORY_EDITS): Trace {
  const random = seededRandom(SEED)
  // The text on both sides of the cursor, the right one reversed: an edit costs the same in a long text as in a short one.
  const left: string[] = []
  const right: string[] = []
  const txns: { patches: Patch[] }[] = []
  for (let edit = 0; edit < edits; edit++) {
    if (random() < 0.01) moveCursor(left, right, randomBelow(random, left.length + right.length + 1))
    if (left.length > 0 && random() < 0.2) {
      left.pop()
      txns.push({ patches: [[left.length, 1, '']] })
    } else {
      const typed = 'etaoin shrdlu,.\n'.charAt(randomBelow(random, 16))
      txns.push({ patches: [[left.length, 0, typed]] })
      left.push(typed)
    }
  }
  return { txns, endContent: left.join('') + right.reverse().join('') }
}

function moveCursor(left: string[], right: string[], to: number): void {
  while (left.length > to) right.push(left.pop() ?? '')
  while (left.length < to) left.push(right.pop() ?? '')
}
