import type { LogRecord } from '@joinery/log'
import type { ProvenanceStamp } from '@joinery/protocol'
import type { Stamps } from '../content/stamps.ts'
import type { Member } from './member.ts'
import type { RoomFollower } from './room-follower.ts'

/**
 * Time for which stamps are gathered, ms: typing then costs a client four small messages a second, not one per tick.
 */
const GATHER_MS = 250
/** Stamps in one message, at most: about 50 KB, well under the limit of a client. */
const STAMPS_PER_MESSAGE = 500

/** Sends the stamps of a room to the members that asked for them: all stamps once, then the new ones. */
export class ProvenanceFeed {
  readonly #watchers = new Set<Member>()
  #news = new Map<string, ProvenanceStamp>()
  #timer: NodeJS.Timeout | undefined

  watch(member: Member, stamps: Stamps): void {
    if (this.#watchers.has(member) || !member.wire.isOpen) return
    this.#watchers.add(member)
    const all = Array.from(stamps.entries(), ([path, stamp]) => ({ path, ...stamp }))
    for (let start = 0; start < Math.max(1, all.length); start += STAMPS_PER_MESSAGE) {
      member.tell({ type: 'provenance', stamps: all.slice(start, start + STAMPS_PER_MESSAGE) })
    }
  }

  leave(member: Member): void {
    this.#watchers.delete(member)
  }

  /** Notes the stamps of a record that was just appended. */
  note({ lsn, at, actor, source, touched }: LogRecord): void {
    if (this.#watchers.size === 0) return
    for (const path of touched) this.#news.set(path, { path, lsn, at, actor, source })
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#watchers.clear()
  }

  #send(): void {
    this.#timer = undefined
    const stamps = [...this.#news.values()]
    this.#news = new Map()
    for (let start = 0; start < stamps.length; start += STAMPS_PER_MESSAGE) {
      const message = { type: 'provenance' as const, stamps: stamps.slice(start, start + STAMPS_PER_MESSAGE) }
      for (const member of this.#watchers) member.tell(message)
    }
  }
}

/** A feed of the records that a room writes. */
export function provenanceOf(records: { listen(listener: RoomFollower['appended']): unknown }): ProvenanceFeed {
  const feed = new ProvenanceFeed()
  records.listen((record) => feed.note(record))
  return feed
}
