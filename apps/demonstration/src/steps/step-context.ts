import type { Block, ClaimAuthor } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import { DemonstrationError } from '../demonstration-error.ts'
import type { VectorFiles } from '../search/vector-files.ts'

/** What every step of one writer works with. */
export interface StepContext {
  readonly workspace: Workspace
  readonly workspaceName: string
  /** `http://host:port` of the same server. */
  readonly httpUrl: string
  readonly author: ClaimAuthor
  readonly vectors: VectorFiles
  /** Waits, times the pace, so that a person can follow. */
  pause(ms: number): Promise<void>
  note(text: string): void
  reached(point: string): void
}

/** What a person calls the block. */
export function titleOf(block: Block): string {
  const title = block.fields.get('title')
  return typeof title === 'string' && title.trim() !== '' ? title : block.id
}

/** Throws `writer_failed` when it is gone. */
export function blockOf(blocks: { get(id: string): Block | undefined }, id: string): Block {
  const block = blocks.get(id)
  if (block === undefined) throw new DemonstrationError('writer_failed', `block ${id} is not there any more`)
  return block
}
