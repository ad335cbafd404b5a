import { type Block, type ClaimAuthor, type ClaimList, copyClaims, createBlock, getBlock } from '@joinery/blocks'
import * as Y from 'yjs'
import { checkOperation, type Operation, runOperation } from './operation.ts'

/**
 * Tries operations that build on each other, without touching the document. From the second operation on a block on, each is
 * checked on a copy to which the ones before were applied. The copy holds only the lists of claims of the named blocks, which
 * are all that a check reads: a copy of a large workspace would block the server.
 */
export class OperationTrial {
  readonly #doc: Y.Doc
  readonly #author: ClaimAuthor
  readonly #lists: readonly ClaimList[]
  readonly #copy = new Y.Doc()
  readonly #copied = new Set<string>()

  constructor(doc: Y.Doc, author: ClaimAuthor, lists: readonly ClaimList[]) {
    this.#doc = doc
    this.#author = author
    this.#lists = lists
  }

  /** Checks the operations through `at`, each after the ones before it. Throws as {@link checkOperation} does. */
  check(operations: readonly Operation[], at: (index: number, check: () => void) => void): void {
    const last = new Map(operations.map(({ block }, index) => [block, index]))
    try {
      this.#copy.transact(() => {
        for (const [index, operation] of operations.entries()) {
          at(index, () => this.#checkOne(operation, last.get(operation.block) === index))
        }
      })
    } finally {
      this.#copy.destroy()
    }
  }

  #checkOne(operation: Operation, isLast: boolean): void {
    const { block: id } = operation
    const isCopied = this.#copied.has(id)
    checkOperation(isCopied ? this.#copy : this.#doc, operation, this.#author, this.#lists)
    if (isLast) return
    if (!isCopied) this.#copyBlock(getBlock(this.#doc, id))
    this.#copied.add(id)
    // No check of a later operation reads texts or data.
    const tried =
      'data' in operation || 'content' in operation ? { ...operation, content: undefined, data: undefined } : operation
    runOperation(this.#copy, tried, this.#author)
  }

  #copyBlock(block: Block | undefined): void {
    if (block === undefined) return
    const copy = createBlock(this.#copy, block.id, { type: block.type })
    for (const list of this.#lists) copyClaims(block, copy, list)
  }
}
