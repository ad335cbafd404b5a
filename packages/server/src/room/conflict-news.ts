import type { LogRecord } from '@joinery/log'
import { type Conflict, encodeJoinery } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Observed } from '../content/document-rules.ts'
import type { Counters } from '../counters.ts'
import type { ServerLimits } from '../limits.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { type Audience, tellAll } from './fan-out.ts'
import type { Member } from './member.ts'

/** Conflicts that are kept for members that read too slowly. A client shows no more. */
const RECENT_MAX = 100
const MINUTE_MS = 60_000

/** The conflicts of a room, and the last of them for members that missed some. */
export class ConflictNews {
  readonly #limits: ServerLimits
  readonly #counters: Counters
  readonly #recent: Uint8Array[] = []
  /** Reports that each member may still make, as of a time in ms. */
  readonly #allowances = new WeakMap<Member, { left: number; atMs: number }>()
  #count = 0

  constructor({ limits, counters }: { readonly limits: ServerLimits; readonly counters: Counters }) {
    this.#limits = limits
    this.#counters = counters
  }

  /** Number of conflicts so far. */
  get count(): number {
    return this.#count
  }

  /** Tells all members that asked for Joinery's messages. */
  tell(conflict: Conflict, audience: Audience, except?: Member): void {
    const message = this.#encode(conflict)
    if (message === undefined) {
      this.#counters.droppedConflicts++
      return
    }
    this.#counters.conflicts++
    this.#count++
    this.#recent.push(message)
    if (this.#recent.length > RECENT_MAX) this.#recent.shift()
    tellAll(message, audience, { to: listenersOf(audience), except })
  }

  /**
   * Tells the others what a member reports. The message names the reporter, since the server can't check it. Reports beyond
   * the rate are counted and dropped.
   */
  report({ block, field, winner, loser, rule }: Conflict, member: Member, audience: Audience): void {
    if (!this.#mayReport(member)) {
      this.#counters.droppedConflicts++
      return
    }
    const reportedBy = member.identity.actor
    this.tell({ type: 'conflict', block, field, winner, loser, rule, reportedBy }, audience, member)
  }

  /** The conflicts after number `count`, as messages: the last {@link RECENT_MAX} at most. */
  since(count: number): readonly Uint8Array[] {
    const missed = Math.min(this.#count - count, this.#recent.length)
    return missed === 0 ? [] : this.#recent.slice(-missed)
  }

  /** Undefined when even the names of the place are too long. Values that are too long are left out. */
  #encode(conflict: Conflict): Uint8Array | undefined {
    const whole = encodeJoinery(conflict)
    const { conflictBytesMax } = this.#limits
    if (whole.length <= conflictBytesMax) return encodeBinaryMessage(whole)
    const short = encodeJoinery({ ...conflict, winner: undefined, loser: undefined })
    return short.length <= conflictBytesMax ? encodeBinaryMessage(short) : undefined
  }

  #mayReport(member: Member): boolean {
    const { conflictsPerMinuteMax: max } = this.#limits
    const nowMs = performance.now()
    const before = this.#allowances.get(member) ?? { left: max, atMs: nowMs }
    const left = Math.min(max, before.left + ((nowMs - before.atMs) * max) / MINUTE_MS)
    const isAllowed = left >= 1
    this.#allowances.set(member, { left: isAllowed ? left - 1 : left, atMs: nowMs })
    return isAllowed
  }
}

function* listenersOf({ members }: Audience): Iterable<Member> {
  for (const member of members) if (member.wire.wantsJoinery) yield member
}

/**
 * Logs the changes that a record made in what people are shown. Tells every member of the claims that lost to
 * concurrent ones.
 */
export function tellObserved(
  observed: readonly Observed[],
  { workspace, record: { actor, source, lsn } }: { readonly workspace: string; readonly record: LogRecord },
  audience: Audience,
  logger: Logger,
): void {
  if (observed.length === 0) return
  const about = { workspace, actor, source, lsn }
  for (const { changes, conflicts } of observed) {
    for (const change of changes) logger.debug({ ...about, ...change }, 'shown value changed')
    for (const conflict of conflicts) {
      logger.info({ ...about, ...conflict }, 'conflict')
      audience.tellConflict({ type: 'conflict', ...conflict })
    }
  }
}
