import { type Block, type ClaimList, createBlock, deleteBlock, getBlock, listBlocks } from '@joinery/blocks'
import type * as Y from 'yjs'

/** The blocks of one document: `@joinery/blocks` with the document filled in. */
export class WorkspaceBlocks {
  readonly #doc: () => Y.Doc
  readonly #origin: unknown
  readonly #lists: readonly ClaimList[]

  /**
   * `doc` returns the present document. `origin` is the origin of the transactions made here. A new block under a random id has
   * the parts of `lists` from the start.
   */
  constructor(doc: () => Y.Doc, origin: unknown = null, lists: readonly ClaimList[] = []) {
    this.#doc = doc
    this.#origin = origin
    this.#lists = lists
  }

  /** The blocks of another document, such as a copy of this one: new blocks have the same parts. */
  of(doc: Y.Doc): WorkspaceBlocks {
    return new WorkspaceBlocks(() => doc, null, this.#lists)
  }

  /** Creates a block under a random id, which nobody else has. */
  create(options: { type: string }): Block
  /** Creates block `id`, or returns the existing one. Throws `BlocksError` for a bad id. */
  create(id: string, options: { type: string }): Block
  create(...given: [options: { type: string }] | [id: string, options: { type: string }]): Block {
    const doc = this.#doc()
    const make = () =>
      given.length === 1 ? createBlock(doc, { ...given[0], lists: this.#lists }) : createBlock(doc, ...given)
    return doc.transact(make, this.#origin)
  }

  get(id: string): Block | undefined {
    return getBlock(this.#doc(), id)
  }

  list(): Block[] {
    return listBlocks(this.#doc())
  }

  /** Deletes block `id` with its content. Returns false when there is none. */
  delete(id: string): boolean {
    const doc = this.#doc()
    return doc.transact(() => deleteBlock(doc, id), this.#origin)
  }
}
