import { useBlockPart } from './use-block-part.ts'

/** The type of block `id`; '' when it has none or there is no such block. */
export function useBlockType(id: string): string {
  return useBlockPart(id, 'type', (block) => block?.type ?? '')
}
