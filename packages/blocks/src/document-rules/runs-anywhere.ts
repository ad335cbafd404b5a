import type * as Y from 'yjs'
import type { Claim, ClaimList } from '../claim-list.ts'
import { filledViews } from '../filled-lists.ts'

/**
 * The claims that stand in any block, by list, key and run. A claim that arrives before what it builds on may come to stand in
 * each block. Gathered at the first question and kept for the whole update: an update of many such claims would cost claims ×
 * blocks otherwise.
 */
export class RunsAnywhere {
  readonly #doc: Y.Doc
  readonly #byList = new Map<ClaimList, Map<string, Claim>>()

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  /** A claim of the list about `key` that belongs to run `runId`. */
  find(list: ClaimList, key: string, runId: string): Claim | undefined {
    let claims = this.#byList.get(list)
    if (claims === undefined) {
      claims = this.#gather(list)
      this.#byList.set(list, claims)
    }
    return claims.get(placeOf(key, runId))
  }

  #gather(list: ClaimList): Map<string, Claim> {
    const claims = new Map<string, Claim>()
    for (const { fold } of filledViews(this.#doc, [list])) {
      const { winners, lost } = fold
      for (const claim of [...winners.values(), ...lost.map(({ loser }) => loser)]) {
        const run = list.runOf(claim)
        if (run === undefined) continue
        const place = placeOf(list.rules.keyOf(claim), run.id)
        if (!claims.has(place)) claims.set(place, claim)
      }
    }
    return claims
  }
}

function placeOf(key: string, runId: string): string {
  return JSON.stringify([key, runId])
}
