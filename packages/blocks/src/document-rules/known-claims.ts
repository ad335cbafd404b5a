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

/**
 * The claims that a document holds or has held, by their {@link knownText}. Undoing a deletion brings others' claims back under the
 * client id of the person who undoes it. An accepted claim may come back unchanged, and only unchanged.
 */
export class KnownClaims {
  readonly #texts = new Set<string>()

  /** Starts with the claims that the document shows now. */
  constructor(doc: Y.Doc, lists: readonly ClaimList[]) {
    for (const { fold, list, blockId } of filledViews(doc, lists)) {
      for (const claim of fold.entries) this.remember(knownText(list, claim, blockId))
    }
  }

  has(text: string): boolean {
    return this.#texts.has(text)
  }

  remember(text: string): void {
    this.#texts.delete(text)
    if (this.#texts.size >= CLAIMS_MAX) {
      const oldest = this.#texts.values().next().value
      if (oldest !== undefined) this.#texts.delete(oldest)
    }
    this.#texts.add(text)
  }
}
