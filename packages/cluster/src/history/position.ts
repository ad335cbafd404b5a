import type { StoredMessage } from '../engine/engine.ts'
import { factsOf } from './message.ts'

/** How far a workspace's history on the engine has been read or written. */
export interface Position {
  /** Sequence of the last message; 0 before the first. */
  readonly sequence: number
  /** Epoch of the last owner; 0 before the first. */
  readonly epoch: number
  /** LSN of the last record; 0 before the first. */
  readonly lsn: number
  /** Chain value of the last message, 16 hexadecimal digits. */
  readonly chain: string
  /** Id of the history, known from the first record on. */
  readonly generation: string | undefined
}

export const START: Position = { sequence: 0, epoch: 0, lsn: 0, chain: '0'.repeat(16), generation: undefined }

/** The position after a message, as the message itself says. Throws `corrupted`. */
export function positionOf(workspace: string, message: StoredMessage): Position {
  const { kind, epoch, last, chain, generation } = factsOf(workspace, message)
  // Behind a purge another history begins.
  return { sequence: message.sequence, epoch, lsn: last, chain, generation: kind === 'purge' ? undefined : generation }
}
