import { type CommentThread, commentThreads } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

const NO_THREADS: readonly CommentThread[] = Object.freeze([])

/**
 * The threads of comments on block `id`, by the time of their first comment. Renders again when a comment changes. Written with
 * `addComment`, `resolveThread` and their like of `@joinery/blocks`.
 */
export function useComments(id: string): readonly CommentThread[] {
  return useBlockPart(id, 'fields', (block) => (block === undefined ? NO_THREADS : commentThreads(block)))
}
