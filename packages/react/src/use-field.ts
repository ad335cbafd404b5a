import type { Json } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

/** The value of field `key` of block `id`. Write it with `useBlock(id)?.fields.set`. */
export function useField(id: string, key: string): Json | undefined {
  return useBlockPart(id, 'fields', (block) => block?.fields.get(key))
}
