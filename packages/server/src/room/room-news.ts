import { type AwarenessState, CLOSE, type Conflict } from '@joinery/protocol'
import * as Y from 'yjs'
import type { RoomContent } from '../content/room-content.ts'
import type { ServerLimits } from '../limits.ts'
import { ConflictNews } from './conflict-news.ts'
import { type Audience, tellAll } from './fan-out.ts'
import { lackingOf, type Member, type Reached } from './member.ts'
import { Presence, type PresenceContext } from './presence.ts'
import { ProvenanceFeed } from './provenance-feed.ts'
import { catchUp, withStamps } from './room-answers.ts'
import type { WritePath } from './write-path.ts'

interface RoomNewsParts {
  readonly members: ReadonlySet<Member>
  readonly content: RoomContent
  readonly context: PresenceContext & { readonly limits: ServerLimits }
  /** Called before an edit is sent. */
  beforeEdits(): void
  /** The room's write path, made if it was not there. */
  writes(): WritePath
  /** Resolves when the room's edits may be shown to newcomers; undefined when they may be shown at once. */
  shown(): Promise<void> | undefined
  /** Updates in the document that nobody may see yet. */
  unshown(): readonly Uint8Array[]
}

/** Everything that a room tells its members unasked: updates, presence, conflicts, provenance. */
export class RoomNews implements Audience {
  readonly members: ReadonlySet<Member>
  readonly #parts: RoomNewsParts
  #presence: Presence | undefined
  #conflicts: ConflictNews | undefined
  #provenance: ProvenanceFeed | undefined
  /** The members that have changed presence since the others were told: they pay for it. */
  readonly #present = new Set<Member>()

  constructor(parts: RoomNewsParts) {
    this.members = parts.members
    this.#parts = parts
  }

  /** Takes an awareness update. Returns its states; undefined for one that is malformed or too large: its member is refused. */
  receiveAwareness(update: Uint8Array, member: Member): readonly AwarenessState[] | undefined {
    this.#presence ??= new Presence(this.#parts.context)
    this.#present.add(member)
    return this.#presence.receive(update, member)
  }

  get hasPresence(): boolean {
    return this.#presence?.hasNews === true
  }

  /** Tells the members of the changes of presence since the last call. */
  tellPresence(): void {
    const sinceMs = performance.now()
    for (const message of this.#presence?.takeNews() ?? []) tellAll(message, this)
    for (const member of this.#present) member.charge(sinceMs, this.#present.size)
    this.#present.clear()
  }

  /** Messages with everybody's presence. */
  everybody(): readonly Uint8Array[] {
    return this.#presence?.everybody() ?? []
  }

  /** Answers a question about everybody's presence. The question is one byte: a member that does not read the answers gets no more. */
  tellEverybody({ wire }: Member): void {
    if (wire.isFull) return
    for (const message of this.everybody()) wire.write(message)
  }

  tellConflict(conflict: Conflict): void {
    this.#conflictNews().tell(conflict, this)
  }

  /** Takes a conflict that a member reports. */
  reportConflict(conflict: Conflict, member: Member): void {
    this.#conflictNews().report(conflict, member, this)
  }

  /** Tells a member from now on who last touched which path. */
  watch(member: Member): void {
    withStamps(this.#parts.content, member, () => {
      if (this.members.has(member)) this.#provenanceFeed().watch(member)
    })
  }

  leave(member: Member): void {
    this.#presence?.release(member)
    this.#provenance?.leave(member)
  }

  close(): void {
    this.#provenance?.close()
  }

  hasNews(): void {
    this.#parts.beforeEdits()
  }

  reached(): Reached | undefined {
    const stateVector = this.#parts.content.loaded?.content.stateVector()
    if (stateVector === undefined) return undefined
    return {
      stateVector: lowered(stateVector, this.#parts.unshown()),
      presence: this.#presence?.count ?? 0,
      conflicts: this.#conflicts?.count ?? 0,
      lsn: this.#provenance?.toldLsn ?? 0,
    }
  }

  catchUp(member: Member, reached: Reached): void {
    const { content, shown } = this.#parts
    if (lackingOf(member) === undefined) catchUp(content, member, reached.stateVector, shown)
    const presence = this.#presence?.since(reached.presence) ?? (this.#presence === undefined ? [] : undefined)
    if (presence === undefined) {
      return member.wire.close(CLOSE.tryLater, 'too_slow: too many people came and went meanwhile: connect again')
    }
    for (const message of presence) member.wire.write(message)
    if (!member.wire.wantsJoinery) return
    for (const message of this.#conflicts?.since(reached.conflicts) ?? []) member.wire.write(message)
    this.#provenance?.catchUp(member, reached.lsn)
  }

  #conflictNews(): ConflictNews {
    this.#conflicts ??= new ConflictNews(this.#parts.context)
    return this.#conflicts
  }

  #provenanceFeed(): ProvenanceFeed {
    if (this.#provenance !== undefined) return this.#provenance
    const { content, writes } = this.#parts
    const head = content.loaded?.log.head ?? 0
    const feed = new ProvenanceFeed(this, (member, use) => withStamps(content, member, use), head)
    writes().listen((record) => feed.note(record))
    this.#provenance = feed
    return feed
  }
}

/** A state vector without the clocks that the updates bring: a diff since then has them. */
function lowered(stateVector: Uint8Array, updates: readonly Uint8Array[]): Uint8Array {
  let clocks: Map<number, number> | undefined
  for (const update of updates) {
    clocks ??= Y.decodeStateVector(stateVector)
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      if (clock < (clocks.get(client) ?? 0)) clocks.set(client, clock)
    }
  }
  return clocks === undefined ? stateVector : Y.encodeStateVector(clocks)
}
