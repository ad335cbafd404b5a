import { type Block, type ClaimAuthor, createBlock, getBlock, type IndexingEntry } from '@joinery/blocks'
import * as Y from 'yjs'
import { checkOperation, type Operation, runOperation } from './operation.ts'

/** As many as a writer puts into one item: of a larger one Yjs copies the rest with each that goes. */
const CLAIMS_PER_ITEM = 500

/**
 * Tries operations that build on each other, without touching the document: those after the first on a block are held to
 * what the ones before made of a copy. The copy has of the named blocks what a check looks at, statuses and fields: one of
 * the whole workspace would keep everybody for as long as that is large.
 */
export class OperationTrial {
  readonly #doc: Y.Doc
  readonly #author: ClaimAuthor
  readonly #copy = new Y.Doc()
  readonly #copied = new Set<string>()

  constructor(doc: Y.Doc, author: ClaimAuthor) {
    this.#doc = doc
    this.#author = author
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
    checkOperation(isCopied ? this.#copy : this.#doc, operation, this.#author)
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
    const { map } = createBlock(this.#copy, block.id, { type: block.type })
    fill(map.get('indexingList'), block.indexingList.entries().map(elementOf))
    fill(map.get('fields'), block.fields.entries())
  }
}

function fill(list: unknown, elements: readonly object[]): void {
  if (!(list instanceof Y.Array)) throw new Error('invariant: a block was created without its lists')
  for (let from = 0; from < elements.length; from += CLAIMS_PER_ITEM) {
    list.push(elements.slice(from, from + CLAIMS_PER_ITEM))
  }
}

/** A stock client's entry is read as run 0, which nobody may write as a claim. */
function elementOf(entry: IndexingEntry): object {
  const { index_name, status, at, run } = entry
  return run.no === 0 ? { index_name, status, timestamp: at } : entry
}
