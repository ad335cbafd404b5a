import { useBlockPart } from './use-block-part.ts'

/** The type of block `id`; '' if it has no type or does not exist. */
export function useBlockType(id: string): string {
  return useBlockPart(id, 'type', (block) => block?.type ?? '')
}
