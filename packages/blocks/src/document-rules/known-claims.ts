import type * as Y from 'yjs'
import type { Claim, ClaimList } from '../claim-list.ts'
import { canonical } from '../claim-text.ts'
import { filledViews } from '../filled-lists.ts'

/** Number of claims remembered per document, the least recent forgotten first. They take some megabytes, and nobody undoes as many. */
const CLAIMS_MAX = 20_000

/**
 * The text by which a claim is known again. Where nobody else may speak for some sources, a claim is known in its own block only:
 * what a provider said of one order may not be copied to another.
 */
export function knownText(list: ClaimList, claim: Claim, blockId: string | undefined): string {
  const text = canonical(claim)
  return list.isReserved === undefined ? text : `${JSON.stringify([list.part, blockId ?? null])}${text}`
}

/** A claim that is known. */
interface Known {
  /** Grows with each claim that comes, and each that shows. */
  readonly order: number
  /** False once it has shown, or has stood beaten. */
  isNew: boolean
}

/** The claim that showed last of what only some may say of one resource. */
interface LastSaid {
  readonly claim: Claim
  readonly text: string
  readonly order: number
}

/**
 * The claims that a document holds or has held, by their {@link knownText}. Undoing a deletion brings others' claims back under the
 * client id of the person who undoes it. An accepted claim may come back unchanged, and only unchanged.
 */
export class KnownClaims {
  readonly #known = new Map<string, Known>()
  readonly #said = new Map<string, LastSaid>()
  #order = 0

  /** Starts with the claims that the document shows now. */
  constructor(doc: Y.Doc, lists: readonly ClaimList[]) {
    for (const { fold, list, blockId } of filledViews(doc, lists)) {
      for (const claim of fold.entries) this.show(list, claim, blockId)
    }
  }

  has(text: string): boolean {
    return this.#known.has(text)
  }

  remember(text: string): Known {
    return keep(this.#known, text, this.#known.get(text) ?? { order: ++this.#order, isNew: true })
  }

  /** Notes a claim that stands beaten: it has come too late, and may not show later as if it had just come. */
  lose(list: ClaimList, claim: Claim, blockId: string): void {
    if (list.isGuarded?.(claim) === true) this.remember(knownText(list, claim, blockId)).isNew = false
  }

  /**
   * Notes a claim that shows. Returns false for a claim that only some may say, and that is not the last thing that they said: an
   * older one has come back, or shows since the last one was deleted.
   */
  show(list: ClaimList, claim: Claim, blockId: string | undefined): boolean {
    const text = knownText(list, claim, blockId)
    const known = this.remember(text)
    if (list.isGuarded?.(claim) !== true) return true
    const resource = JSON.stringify([list.part, blockId ?? null, list.rules.keyOf(claim)])
    const last = this.#said.get(resource)
    if (last !== undefined && last.text !== text) {
      const isLate = known.order < last.order && list.rules.compare(claim, last.claim) < 0
      if (!known.isNew || isLate) return false
    }
    known.isNew = false
    keep(this.#said, resource, { claim, text, order: ++this.#order })
    return true
  }
}

/** Puts a value at the end of a map, and removes the first of too many. */
function keep<V>(map: Map<string, V>, key: string, value: V): V {
  map.delete(key)
  if (map.size >= CLAIMS_MAX) {
    const oldest = map.keys().next().value
    if (oldest !== undefined) map.delete(oldest)
  }
  map.set(key, value)
  return value
}
