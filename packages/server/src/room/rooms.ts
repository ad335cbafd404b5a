import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import type { WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { ColdDocument } from '../content/cold-document.ts'
import type { Refusal } from '../content/document-rules.ts'
import { memoryOf } from '../content/live-memory.ts'
import { isHeavy } from '../content/trials/heavy-update.ts'
import type { Costs } from '../ledger.ts'
import type { Quotas } from '../quotas.ts'
import type { ServerError } from '../server-error.ts'
import { Turns } from '../turns.ts'
import { Member, type MemberContext } from './member.ts'
import type { RecordListener } from './record-listeners.ts'
import { ReplicationWatch } from './replication-watch.ts'
import { Room, type RoomContext } from './room.ts'
import type { RoomFollower } from './room-follower.ts'
import type { RoomVisit } from './room-visit.ts'
import type { Wire, WireReader } from './wire.ts'

/** Numbers of rooms, by content. */
export interface RoomCounts {
  readonly rooms: number
  /** Rooms with a document. */
  readonly live: number
  /** Rooms that serve stored bytes and hold next to nothing in memory. */
  readonly cold: number
  /** Rooms of damaged workspaces, which are served for reading only. */
  readonly quarantined: number
  /** Memory that the live documents take, bytes, by estimate. */
  readonly documentBytes: number
  /** The bound on it: beyond it no further document is built. */
  readonly documentBytesMax: number
}

/** Parts that all rooms and members of a server share. */
interface RoomsContext extends RoomContext, MemberContext {}

/** Time after which a turn begins no work of another member or room, ms: nobody notices so short a wait. */
const TURN_MS = 10
/** Rooms that are swept in one turn: to close one takes some tenth of a millisecond. */
const SWEPT_PER_TURN = 32

/** The live rooms of a server, and the tick that flushes them. */
export class Rooms {
  readonly #rooms = new Map<WorkspaceId, Room>()
  /** Workspaces that no room may open until the promise resolves. */
  readonly #reserved = new Map<WorkspaceId, Promise<void>>()
  readonly #context: RoomsContext
  readonly #replication = new ReplicationWatch()
  #scheduled: Room[] = []
  #isStopped = false
  #isSweeping = false

  constructor(shared: Omit<RoomsContext, 'schedule' | 'closed' | 'longReads'>) {
    this.#context = {
      ...shared,
      longReads: new Turns(1),
      schedule: (room) => this.#schedule(room),
      closed: (room) => {
        this.#context.counters.roomsClosed++
        if (this.#rooms.get(room.workspace) === room) this.#rooms.delete(room.workspace)
      },
    }
  }

  get size(): number {
    return this.#rooms.size
  }

  get quotas(): Quotas {
    return this.#context.quotas
  }

  /** Books the work of programs in this process. */
  get costs(): Costs {
    return this.#context.ledger
  }

  count(): RoomCounts {
    const { bytes: documentBytes, bytesMax: documentBytesMax } = this.#context.memory
    const counts = { rooms: this.#rooms.size, live: 0, cold: 0, quarantined: 0, documentBytes, documentBytesMax }
    for (const { loaded } of this.#rooms.values()) {
      if (loaded === undefined) continue
      if (loaded.damage !== undefined) counts.quarantined++
      else if (loaded.content instanceof ColdDocument) counts.cold++
      else counts.live++
    }
    return counts
  }

  /**
   * Makes a member for a connection, and lets it into its workspace's room. Returns the reader of the connection's
   * frames.
   *
   * @param generation the generation of the client's local copy, if it has one
   */
  join(workspace: WorkspaceId, wire: Wire, generation: string | undefined): WireReader {
    const member = new Member(wire, generation, this.#context)
    this.#enter(workspace, member)
    return member
  }

  /** Lets a member in. If a room of the workspace is just closing, waits for it: no two rooms ever write one log. */
  #enter(workspace: WorkspaceId, member: Member): void {
    if (!member.wire.isOpen) return
    const busy = this.#busy(workspace)
    if (busy !== undefined) {
      member.pause()
      void busy.then(() => {
        member.resume()
        this.#enter(workspace, member)
      })
      return
    }
    const room = this.#roomOf(workspace)
    member.room = room
    room.join(member)
  }

  /** Runs `use` in the workspace's open room: see {@link Room.visit}. */
  async visit<T>(
    workspace: WorkspaceId,
    payer: string | undefined,
    use: (visit: RoomVisit) => T | Promise<T>,
  ): Promise<T> {
    await this.#whenFree(workspace)
    return this.#roomOf(workspace).visit(payer, use)
  }

  /** Whether an update is so large that it is tried before it is looked at. */
  isHeavy(update: Uint8Array): boolean {
    return isHeavy(update, this.#context.limits)
  }

  /** Tries an update in the workspace's open room: see {@link HeavyUpdates.tryWhole}. */
  async tryWhole(workspace: WorkspaceId, principal: string, update: Uint8Array): Promise<Refusal | undefined> {
    await this.#whenFree(workspace)
    return this.#roomOf(workspace).heavy.tryWhole(principal, update)
  }

  /** Compares an update with the workspace's document in turns: see {@link HeavyUpdates.withoutKnown}. */
  async withoutKnown(workspace: WorkspaceId, principal: string, update: Uint8Array): Promise<Uint8Array> {
    await this.#whenFree(workspace)
    return this.#roomOf(workspace).heavy.withoutKnown(principal, update)
  }

  /** Runs `use` on the log of the workspace's open room: see {@link Room.hold}. */
  async hold<T>(workspace: WorkspaceId, use: (log: WorkspaceLog) => T | Promise<T>): Promise<T> {
    await this.#whenFree(workspace)
    return this.#roomOf(workspace).hold(use)
  }

  /** Follows the workspace's room: see {@link Room.follow}. */
  async follow(workspace: WorkspaceId, follower: RoomFollower): Promise<() => void> {
    await this.#whenFree(workspace)
    return this.#roomOf(workspace).follow(follower)
  }

  /** Closes the workspace's room, refuses its members with `refusal`, and keeps it closed until `work` is over. */
  async evict(workspace: WorkspaceId, refusal: ServerError, work: () => Promise<void>): Promise<void> {
    await this.#whenFree(workspace)
    const evicted = this.#rooms.get(workspace)?.close(refusal, work) ?? work()
    const settled = evicted.catch(() => undefined)
    this.#reserved.set(workspace, settled)
    try {
      await evicted
    } finally {
      if (this.#reserved.get(workspace) === settled) this.#reserved.delete(workspace)
    }
  }

  /** Calls `listener` with each record of every room as it is appended. Returns unsubscribe. */
  listen(listener: RecordListener): () => void {
    return this.#context.listeners.add(listener)
  }

  #roomOf(workspace: WorkspaceId): Room {
    let room = this.#rooms.get(workspace)
    if (room === undefined) {
      room = new Room(workspace, this.#context)
      this.#rooms.set(workspace, room)
      this.#context.counters.roomsOpened++
    }
    return room
  }

  #busy(workspace: WorkspaceId): Promise<void> | undefined {
    return this.#rooms.get(workspace)?.closing ?? this.#reserved.get(workspace)
  }

  async #whenFree(workspace: WorkspaceId): Promise<void> {
    for (let busy = this.#busy(workspace); busy !== undefined; busy = this.#busy(workspace)) await busy
  }

  storageChanged(): void {
    for (const room of this.#rooms.values()) room.storageChanged()
  }

  /** Frees what nobody has used for a while, in all rooms. Called about once a second. */
  sweep(nowMs: number): void {
    this.#context.cache.sweep()
    this.#context.ledger.sweep()
    let bytes = 0
    for (const room of this.#rooms.values()) bytes += memoryOf(room.loaded)
    this.#context.memory.count(bytes)
    void this.#sweepRooms(nowMs)
  }

  /** Some rooms in each turn: thousands that close in one would hold everybody up. */
  async #sweepRooms(nowMs: number): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    let swept = 0
    for (const room of this.#rooms.values()) {
      this.#replication.look(room)
      room.sweep(nowMs)
      if (++swept % SWEPT_PER_TURN === 0) await nextTurn()
      if (this.#isStopped) return
    }
    this.#isSweeping = false
  }

  /** Flushes and closes every room. */
  async close(): Promise<void> {
    this.#isStopped = true
    this.#context.ledger.stop()
    this.#flush(Number.POSITIVE_INFINITY)
    // The updates that are tried now were on their way.
    const tried = Promise.all(Array.from(this.#rooms.values(), (room) => room.heavy.settled))
    await Promise.race([tried, wait(this.#context.limits.drainMs, undefined, { ref: false })])
    await Promise.all(Array.from(this.#rooms.values(), (room) => room.close()))
  }

  /** Flushes each room once a tick: `setImmediate` runs when the poll phase has delivered the bytes of every socket. */
  #schedule(room: Room): void {
    if (room.isScheduled || this.#isStopped) return
    room.isScheduled = true
    if (this.#scheduled.push(room) === 1) this.#flushLater()
  }

  /** Flushes the scheduled rooms. From `untilMs` on, what is left waits for the next turn: sockets are read between the two. */
  #flush(untilMs: number): void {
    const rooms = this.#scheduled
    this.#scheduled = []
    for (const [index, room] of rooms.entries()) {
      room.isScheduled = false
      room.flush(untilMs)
      if (performance.now() < untilMs) continue
      const late = rooms.slice(index + 1)
      if (late.length > 0 && this.#scheduled.length === 0) this.#flushLater()
      // Before the rooms that have had their turn and have more to do: otherwise they would wait for as long as those have.
      this.#scheduled.unshift(...late)
      return
    }
  }

  #flushLater(): void {
    setImmediate(() => this.#flush(performance.now() + TURN_MS))
  }
}
