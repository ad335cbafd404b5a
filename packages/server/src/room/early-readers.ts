import { ServerError } from '../server-error.ts'
import type { Member } from './member.ts'

/**
 * Members that may only read and were let in before their workspace existed. They were told no generation, so they connect
 * again once there is one, before they see an edit of it.
 */
export class EarlyReaders {
  readonly #members = new Set<Member>()

  add(member: Member): void {
    this.#members.add(member)
  }

  delete(member: Member): void {
    this.#members.delete(member)
  }

  /** Closes them, so that they connect again. */
  callAgain(): void {
    const called = [...this.#members]
    this.#members.clear()
    for (const member of called) member.refuse(new ServerError('restart', 'the workspace exists now: connect again'))
  }
}

/** Adds a member to `early`, or to new ones, if it was told no generation: most rooms have no early readers. */
export function withEarly(
  early: EarlyReaders | undefined,
  member: Member,
  generation: string | undefined,
): EarlyReaders | undefined {
  if (generation !== undefined || !member.wire.wantsJoinery) return early
  const all = early ?? new EarlyReaders()
  all.add(member)
  return all
}
