import { type Block, type ClaimAuthor, type ClaimList, copyClaims, createBlock, getBlock } from '@joinery/blocks'
import * as Y from 'yjs'
import { checkOperation, type Operation, runOperation } from './operation.ts'

/**
 * Tries operations that build on each other, without touching the document: those after the first on a block are held to
 * what the ones before made of a copy. The copy has of the named blocks what a check looks at, its lists of claims: one of
 * the whole workspace would keep everybody for as long as that is large.
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

  /** Throws as {@link checkOperation} does for each that can't be made after those before it, through `at`. */
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
    // Texts and data are nothing that a later operation could stumble over.
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
