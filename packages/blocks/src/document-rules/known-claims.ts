import type * as Y from 'yjs'
import type { ClaimList } from '../claim-list.ts'
import { canonical } from '../claim-text.ts'
import { DocViews } from '../claim-views.ts'
import { listBlocks } from '../workspace-blocks.ts'

/** Claims remembered per document, the least recent forgotten first: some megabytes, and more than anybody undoes. */
const CLAIMS_MAX = 20_000

/**
 * Claims a document holds or has held, by their canonical JSON. An undone deletion brings others' claims back under the
 * undoer's client id; what was once accepted may come back as it was, and only as it was.
 */
export class KnownClaims {
  readonly #texts = new Set<string>()

  /** Starts from what the document holds now. */
  constructor(doc: Y.Doc, lists: readonly ClaimList[]) {
    const views = DocViews.of(doc)
    for (const block of listBlocks(doc)) {
      for (const list of lists) {
        for (const claim of views.viewOf(block.map, list).fold.entries) this.remember(canonical(claim))
      }
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
