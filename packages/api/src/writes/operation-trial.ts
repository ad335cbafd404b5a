import { type Block, type ClaimAuthor, type ClaimList, copyClaims, createBlock, getBlock } from '@joinery/blocks'
import * as Y from 'yjs'
import { EdgeTrial } from './edge-operation.ts'
import { checkOperation, runOperation } from './operation.ts'
import { type BlockOperation, isEdgeOperation, type Operation } from './operation-kinds.ts'

/**
 * Tries operations that build on each other, without touching the document. From the second operation on a block on, each is
 * checked on a copy to which the ones before were applied. The copy holds only the lists of claims of the named blocks, which
 * are all that a check reads: a copy of a large workspace would block the server.
 */
export class OperationTrial {
  readonly #doc: Y.Doc
  readonly #authorOf: (operation: Operation) => ClaimAuthor
  readonly #lists: readonly ClaimList[]
  /** Made at the first operation that another on the same block follows: a new document draws random ids, and most writes need none. */
  #copy: Y.Doc | undefined
  readonly #copied = new Set<string>()
  readonly #edges: EdgeTrial

  /** @param author the author of all operations, or of each */
  constructor(doc: Y.Doc, author: ClaimAuthor | ((operation: Operation) => ClaimAuthor), lists: readonly ClaimList[]) {
    this.#doc = doc
    this.#authorOf = typeof author === 'function' ? author : () => author
    this.#lists = lists
    this.#edges = new EdgeTrial(doc)
  }

  /** Checks the operations through `at`, each after the ones before it. Throws as {@link checkOperation} does. */
  check(operations: readonly Operation[], at: (index: number, check: () => void) => void): void {
    const last = new Map<string, number>()
    for (const [index, operation] of operations.entries())
      if (!isEdgeOperation(operation)) last.set(operation.block, index)
    try {
      for (const [index, operation] of operations.entries()) {
        at(index, () =>
          isEdgeOperation(operation)
            ? this.#edges.check(operation)
            : this.#checkOne(operation, last.get(operation.block) === index),
        )
      }
    } finally {
      this.#copy?.destroy()
    }
  }

  #checkOne(operation: BlockOperation, isLast: boolean): void {
    const { block: id } = operation
    const isCopied = this.#copied.has(id)
    checkOperation((isCopied && this.#copy) || this.#doc, operation, this.#authorOf(operation), this.#lists)
    if (isLast) return
    this.#copy ??= new Y.Doc()
    const copy = this.#copy
    // No check of a later operation reads texts or data.
    const tried =
      operation.op === 'put' || operation.op === 'patch'
        ? { ...operation, content: undefined, delta: undefined, data: undefined }
        : operation
    copy.transact(() => {
      if (!isCopied) this.#copyBlock(getBlock(this.#doc, id), copy)
      runOperation(copy, tried, this.#authorOf(tried), this.#lists)
    })
    this.#copied.add(id)
  }

  #copyBlock(block: Block | undefined, into: Y.Doc): void {
    if (block === undefined) return
    const copy = createBlock(into, block.id, { type: block.type })
    for (const list of this.#lists) copyClaims(block, copy, list)
  }
}
