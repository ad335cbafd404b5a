import type * as Y from 'yjs'
import { DocViews } from '../claim-views.ts'
import type { StatusClaim } from '../indexing-rules.ts'
import { listBlocks } from '../workspace-blocks.ts'

/**
 * The claims that stand in any block, by index and run: what comes before what it builds on may come to stand in each.
 * Gathered at the first question, once for a whole update, or an update of many such claims would cost claims × blocks.
 */
export class RunsAnywhere {
  readonly #doc: Y.Doc
  #claims: Map<string, StatusClaim> | undefined

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  find(indexName: string, runId: string): StatusClaim | undefined {
    this.#claims ??= this.#gather()
    return this.#claims.get(keyOf(indexName, runId))
  }

  #gather(): Map<string, StatusClaim> {
    const views = DocViews.of(this.#doc)
    const claims = new Map<string, StatusClaim>()
    for (const { map } of listBlocks(this.#doc)) {
      const { winners, lost } = views.viewsOf(map).indexingList.fold
      const standing = [...winners.values(), ...lost.map(({ loser }) => loser)]
      for (const claim of standing) {
        const key = keyOf(claim.index_name, claim.run.id)
        if (!claims.has(key)) claims.set(key, claim)
      }
    }
    return claims
  }
}

function keyOf(indexName: string, runId: string): string {
  return JSON.stringify([indexName, runId])
}
