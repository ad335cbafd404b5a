import type { Json } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

/** The value shown under `key` among block `id`'s fields. Written with `useBlock(id)?.fields.set`. */
export function useField(id: string, key: string): Json | undefined {
  return useBlockPart(id, 'fields', (block) => block?.fields.get(key))
}
