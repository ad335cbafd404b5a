import * as Y from 'yjs'
import {
  BLOCK_SKELETON_CLIENT_MIN,
  INCARNATIONS_MAX,
  SKELETON_CLIENT_MIN,
  type Skeleton,
  skeletonClientId,
} from '../block-skeleton.ts'

/** Answers by the first item of a client: the same item is asked about with every keystroke of its client. */
const answers = new WeakMap<Y.Item, boolean>()

/**
 * Whether the structs that the document holds under a client id are a skeleton. False for a writer's; undefined for a part that
 * Yjs has collected as garbage, of which nothing is left to tell, and for a client id that the document does not know.
 */
export function isStoredSkeleton(doc: Y.Doc, client: number): boolean | undefined {
  if (client < SKELETON_CLIENT_MIN) return false
  const first = doc.store.clients.get(client)?.[0]
  const isBlock = client >= BLOCK_SKELETON_CLIENT_MIN
  if (!(first instanceof Y.Item)) return first !== undefined && isBlock ? false : undefined
  const known = answers.get(first)
  if (known !== undefined) return known
  const answer = isSkeletonItem(doc, first, isBlock)
  answers.set(first, answer)
  return answer
}

function isSkeletonItem(doc: Y.Doc, item: Y.Item, isBlock: boolean): boolean {
  const { parent, parentSub, origin, content, id } = item
  if (!(parent instanceof Y.AbstractType) || parentSub === null || item.length !== 1) return false
  if (!(content instanceof Y.ContentType || content instanceof Y.ContentDeleted)) return false
  if (isBlock ? parent !== doc.share.get('blocks') : parent._item === null) return false
  const follows = origin ?? undefined
  for (let incarnation = 0; incarnation < INCARNATIONS_MAX; incarnation++) {
    const skeleton: Skeleton =
      parent._item === null
        ? { kind: 'block', blockId: parentSub, incarnation, follows }
        : { kind: 'part', parent: parent._item.id, part: parentSub, incarnation, follows }
    const expected = skeletonClientId(skeleton)
    if (expected === id.client) return true
    // A further incarnation is made only where this one's client id was used up.
    if (Y.getState(doc.store, expected) === 0) return false
  }
  return false
}
