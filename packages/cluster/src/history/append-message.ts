import type { SteadyClock } from '@joinery/log'
import type { EngineLog, EngineMessage, StoredMessage } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { isLaterKind, type Kind, type LaterKind, messageOf } from './message.ts'
import { type Position, positionOf, START } from './position.ts'

/** The history of a log, and the run of a node that writes to it without owning it yet. */
export interface Desk {
  readonly log: EngineLog
  readonly workspace: string
  readonly subject: string
  readonly clock: SteadyClock
  readonly node: string
  readonly session: string
  /** Throws `unsupported` if a living node could not read a message of this kind (Q78). */
  readonly assertReadable: (kind: LaterKind) => void
  /** Ends the attempt: rejects with its reason. */
  readonly signal?: AbortSignal
}

/** The parts of a desk that reading needs. */
export type ReadingDesk = Pick<Desk, 'log' | 'workspace' | 'subject' | 'clock' | 'signal'>

/** A message that was written, and the position behind it. */
export interface Appended {
  readonly own: EngineMessage
  readonly position: Position
}

const WAIT_MS = 100

/**
 * Writes a message that begins a new epoch directly behind a position: the owner before can write nothing from then on. Resolves with
 * undefined if that is not the end of the history. Nothing else writes a message of a later kind, so that each is asked for: rejects with
 * `unsupported`, and writes nothing, where a living node could not read it.
 */
export async function appendBehind(
  desk: Desk,
  before: Position,
  kind: Kind & ('epoch' | 'purging' | 'purge'),
  body: Uint8Array,
): Promise<Appended | undefined> {
  const { log, subject, workspace, node, session } = desk
  if (isLaterKind(kind)) desk.assertReadable(kind)
  const { lsn, chain } = kind === 'purge' ? START : before
  const { generation } = before
  const facts = { kind, epoch: before.epoch + 1, node, session, first: lsn + 1, last: lsn, generation } as const
  const own = messageOf(workspace, chain, facts, body)
  const appended = await untilAnswered(desk, async () => {
    const result = await log.append(subject, own, before.sequence)
    if (result !== 'refused') return result
    // Its first try may have succeeded, and a lost answer made it look refused.
    const last = await log.last(subject)
    return last?.id === own.id ? last : 'refused'
  })
  if (appended === 'refused') return undefined
  return { own, position: positionOf(workspace, { ...own, sequence: appended.sequence }) }
}

/** The last message of a history, as some replica has it. */
export function lastOf(desk: ReadingDesk): Promise<StoredMessage | undefined> {
  return untilAnswered(desk, () => desk.log.last(desk.subject))
}

/** Makes a call again while the engine does not answer. */
export async function untilAnswered<T>(desk: Pick<Desk, 'clock' | 'signal'>, call: () => Promise<T>): Promise<T> {
  for (;;) {
    desk.signal?.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'invalid') throw error
    }
    await pause(desk)
  }
}

export function pause({ clock }: Pick<Desk, 'clock'>): Promise<void> {
  return new Promise((resolve) => void clock.after(WAIT_MS, resolve))
}
