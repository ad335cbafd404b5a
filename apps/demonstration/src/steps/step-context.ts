import type { Block, ClaimAuthor } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import type { TextEmbedder } from '@joinery/resources/search'
import { DemonstrationError } from '../demonstration-error.ts'
import type { VectorFiles } from '../search/vector-files.ts'

/** Services for the steps of one writer. */
export interface StepContext {
  readonly workspace: Workspace
  readonly workspaceName: string
  /** `http://host:port` of the same server. */
  readonly httpUrl: string
  readonly author: ClaimAuthor
  readonly vectors: VectorFiles
  readonly embedder: TextEmbedder
  /** Factor of all pauses. */
  readonly pace: number
  /** Waits for `ms` times the pace, so that a person can follow. */
  pause(ms: number): Promise<void>
  note(text: string): void
  reached(point: string): void
}

/** Title of a block; its id if it has none. */
export function titleOf(block: Block): string {
  const title = block.fields.get('title')
  return typeof title === 'string' && title.trim() !== '' ? title : block.id
}

/** Returns a block. Throws `writer_failed` if it is gone. */
export function blockOf(blocks: { get(id: string): Block | undefined }, id: string): Block {
  const block = blocks.get(id)
  if (block === undefined) throw new DemonstrationError('writer_failed', `block ${id} was deleted`)
  return block
}
