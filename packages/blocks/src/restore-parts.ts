import { BLOCKS_ROOT, type DocumentContent, type DocumentScope, EDGES_ROOT } from './document-content.ts'
import type { LongWork } from './long-work.ts'
import type { RestorePlan } from './restore-document.ts'

/** Bounds of one part of a restore. A part holds at least one block, edge or root, whatever its weight. */
export interface PartBounds {
  /** Blocks, edges and other roots. */
  readonly itemsMax: number
  /** Weight of them all (see `RichType.weight`), as they are and as they were. */
  readonly weightMax: number
}

type Kind = keyof DocumentScope

/**
 * The steps to the parts of a plan, at least one, each within `bounds`: for edits that are made one after the other. Other roots come last.
 * The plan gives the weights. Parts that others change meanwhile may weigh more.
 */
export function* splittingRestore({ now, past, scope }: RestorePlan, bounds: PartBounds): LongWork<DocumentScope[]> {
  const parts = [emptyPart()]
  let [items, weight] = [0, 0]
  for (const kind of ['blocks', 'edges', 'roots'] as const) {
    for (const name of scope[kind]) {
      const added = weightOf(now, kind, name) + weightOf(past, kind, name)
      if (items > 0 && (items === bounds.itemsMax || weight + added > bounds.weightMax)) {
        parts.push(emptyPart())
        items = 0
        weight = 0
      }
      parts.at(-1)?.[kind].add(name)
      items++
      weight += added
      yield
    }
  }
  return parts
}

function emptyPart(): Record<Kind, Set<string>> {
  return { blocks: new Set(), edges: new Set(), roots: new Set() }
}

function weightOf({ blocks, roots }: DocumentContent, kind: Kind, name: string): number {
  if (kind === 'roots') return roots.get(name)?.weight ?? 0
  if (kind === 'edges') return roots.get(EDGES_ROOT)?.entries.get(name)?.weight ?? 0
  const block = blocks.get(name)
  if (block !== undefined) return block.rest.weight + JSON.stringify(block.lists).length
  return roots.get(BLOCKS_ROOT)?.entries.get(name)?.weight ?? 0
}
