import * as Y from 'yjs'
import type { ReadItem, ReadStruct, StructId } from './update-reader.ts'

/** Answers to a question about the list in which an item stands. An item says it by its parent, or by a neighbour. */
export interface ListAnswers<T> {
  /** The struct that holds an id; undefined for one that has not arrived. */
  find(id: StructId): Y.Item | Y.GC | ReadStruct | undefined
  /** The answer for an item of the document. */
  ofStored(item: Y.Item): T
  /** The answer for an item that names its parent: a root type, or the item that holds the type. */
  under(parent: string | StructId, sub: string | undefined): T
  /** The answer for an item beside garbage. */
  readonly gone: T
  /** The answer for an item beside one that has not arrived. Items that build on each other in a circle have it, too. */
  readonly missing: T
}

/**
 * The answer for an item, which is that of all items from it to the first neighbour that can tell. They are noted in `known`. Walks
 * neighbours in a loop, since a long text is one chain of them.
 */
export function inherited<T>(item: Y.Item | ReadItem, known: Map<ReadItem, T>, answers: ListAnswers<T>): T {
  if (item instanceof Y.Item) return answers.ofStored(item)
  if (known.has(item)) return known.get(item) as T
  if (item.parent !== undefined) {
    // Many items can tell by themselves, and a set for each would cost more than the answer.
    const answer = answers.under(item.parent, item.parentSub)
    known.set(item, answer)
    return answer
  }
  const passed = new Set<ReadItem>()
  const answer = walk(item, passed, known, answers)
  for (const each of passed) known.set(each, answer)
  return answer
}

function walk<T>(item: ReadItem, passed: Set<ReadItem>, known: ReadonlyMap<ReadItem, T>, answers: ListAnswers<T>): T {
  let current: Y.Item | ReadItem = item
  for (;;) {
    if (current instanceof Y.Item) return answers.ofStored(current)
    if (known.has(current)) return known.get(current) as T
    if (passed.has(current)) return answers.missing
    passed.add(current)
    if (current.parent !== undefined) return answers.under(current.parent, current.parentSub)
    const neighbour: StructId | undefined = current.origin ?? current.rightOrigin
    const next: ReturnType<ListAnswers<T>['find']> = neighbour && answers.find(neighbour)
    if (next === undefined) return answers.missing
    if (!isItem(next)) return answers.gone
    current = next
  }
}

export function isItem(struct: Y.Item | Y.GC | ReadStruct): struct is Y.Item | ReadItem {
  return struct instanceof Y.Item || ('kind' in struct && struct.kind === 'item')
}
