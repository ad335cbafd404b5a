import type { LogRecord } from '@joinery/log'
import { encodeJoinery, type ProvenanceStamp } from '@joinery/protocol'
import type { Stamps } from '../content/stamps.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import { type Audience, tellAll } from './fan-out.ts'
import type { Member } from './member.ts'

/**
 * Time for which stamps are gathered, ms: typing then costs a client four small messages a second, not one per tick.
 */
const GATHER_MS = 250
/** Stamps in one message, at most: about 50 KB, well under the limit of a client. */
const STAMPS_PER_MESSAGE = 500
/** Length of the paths in one message, about: some applications have long ones. */
const PATHS_PER_MESSAGE = 64 * 1024

/** Calls `use` with the stamps as of that moment, or ends the member's connection. */
type StampsFor = (member: Member, use: (stamps: Stamps) => void) => void

/** Sends the stamps of a room to the members that asked for them: all stamps once, then the new ones. */
export class ProvenanceFeed {
  readonly #watchers = new Set<Member>()
  readonly #audience: Audience
  readonly #stampsFor: StampsFor
  #news = new Map<string, ProvenanceStamp>()
  #timer: NodeJS.Timeout | undefined
  #notedLsn: number
  #toldLsn: number

  /** @param lsn the last record that has been appended */
  constructor(audience: Audience, stampsFor: StampsFor, lsn: number) {
    this.#audience = audience
    this.#stampsFor = stampsFor
    this.#notedLsn = lsn
    this.#toldLsn = lsn
  }

  /** The last record whose stamps the watchers have been told. */
  get toldLsn(): number {
    return this.#toldLsn
  }

  watch(member: Member): void {
    if (this.#watchers.has(member) || !member.wire.isOpen) return
    this.#watchers.add(member)
    this.#sendStamps(member, { after: 0, skip: 0 })
  }

  /** Sends a watcher that read too slowly the stamps of all records after `lsn`. */
  catchUp(member: Member, lsn: number): void {
    if (this.#watchers.has(member)) this.#sendStamps(member, { after: lsn, skip: 0 })
  }

  leave(member: Member): void {
    this.#watchers.delete(member)
  }

  /** Notes the stamps of a record that was just appended. */
  note({ lsn, at, actor, source, touched }: LogRecord): void {
    this.#notedLsn = lsn
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
    const told = this.#notedLsn
    this.#news = new Map()
    let some: ProvenanceStamp[] = []
    let length = 0
    for (const [index, stamp] of stamps.entries()) {
      some.push(stamp)
      length += stamp.path.length
      if (!isEnough(some, length) && index + 1 < stamps.length) continue
      tellAll(encodeStamps(some), this.#audience, { to: this.#watchers })
      some = []
      length = 0
    }
    this.#toldLsn = told
  }

  /**
   * Sends the stamps of the records after LSN `after`, without the first `skip` of the table, while the member reads them. It
   * keeps nothing while it waits: the table may be a large one that is read from the disk for this member alone.
   */
  #sendStamps(member: Member, { after, skip }: { readonly after: number; readonly skip: number }): void {
    this.#stampsFor(member, (stamps) => {
      if (!this.#watchers.has(member)) return
      let index = 0
      let some: ProvenanceStamp[] = []
      let length = 0
      for (const [path, stamp] of stamps.entries()) {
        if (index++ < skip || stamp.lsn <= after) continue
        some.push({ path, ...stamp })
        length += path.length
        if (!isEnough(some, length)) continue
        member.wire.write(encodeStamps(some))
        some = []
        length = 0
        if (!member.wire.isFull) continue
        const sent = index
        return member.wire.onceDrained(() => this.#sendStamps(member, { after, skip: sent }))
      }
      // An answer to `watch` comes also when there is no stamp.
      if (some.length > 0 || (after === 0 && skip === 0)) member.wire.write(encodeStamps(some))
    })
  }
}

function isEnough({ length: stamps }: readonly ProvenanceStamp[], length: number): boolean {
  return stamps >= STAMPS_PER_MESSAGE || length >= PATHS_PER_MESSAGE
}

function encodeStamps(stamps: ProvenanceStamp[]): Uint8Array {
  return encodeBinaryMessage(encodeJoinery({ type: 'provenance', stamps }))
}
