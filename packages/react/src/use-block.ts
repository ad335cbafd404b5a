import type { Block } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

/** Block `id`, to read and write; undefined if there is none. Renders again when it is created, deleted or replaced. */
export function useBlock(id: string): Block | undefined {
  return useBlockPart(id, undefined, (block) => block)
}
