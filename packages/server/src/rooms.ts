import type { WorkspaceId } from '@joinery/protocol'
import type { Connection } from './connection.ts'
import { type OpenRoom, Room, type RoomContext } from './room.ts'

/** The live rooms of a server, and the tick that flushes them. */
export class Rooms {
  readonly #rooms = new Map<WorkspaceId, Room>()
  readonly #context: RoomContext
  #scheduled: Room[] = []
  #isStopped = false

  constructor(shared: Omit<RoomContext, 'schedule' | 'closed'>) {
    this.#context = {
      ...shared,
      schedule: (room) => this.#schedule(room),
      closed: (room) => {
        if (this.#rooms.get(room.workspace) === room) this.#rooms.delete(room.workspace)
      },
    }
  }

  get size(): number {
    return this.#rooms.size
  }

  /** Lets a connection into its workspace's room, once one that is just closing has closed: no two rooms ever write one log. */
  join(workspace: WorkspaceId, connection: Connection): void {
    if (!connection.isOpen) return
    const closing = this.#rooms.get(workspace)?.closing
    if (closing !== undefined) {
      connection.pause()
      void closing.then(() => {
        connection.resume()
        this.join(workspace, connection)
      })
      return
    }
    const room = this.#open(workspace)
    connection.room = room
    room.join(connection)
  }

  /** Runs `use` in the workspace's open room: see {@link Room.visit}. */
  async visit<T>(workspace: WorkspaceId, use: (room: OpenRoom) => T | Promise<T>): Promise<T> {
    for (let room = this.#rooms.get(workspace); room?.closing !== undefined; room = this.#rooms.get(workspace)) {
      await room.closing
    }
    return this.#open(workspace).visit(use)
  }

  #open(workspace: WorkspaceId): Room {
    let room = this.#rooms.get(workspace)
    if (room === undefined) {
      room = new Room(workspace, this.#context)
      this.#rooms.set(workspace, room)
    }
    return room
  }

  storageChanged(): void {
    for (const room of this.#rooms.values()) room.storageChanged()
  }

  closeIdle(nowMs: number): void {
    for (const room of this.#rooms.values()) room.closeIfIdle(nowMs)
  }

  /** Flushes and closes every room. */
  async close(): Promise<void> {
    this.#isStopped = true
    this.#flush()
    await Promise.all(Array.from(this.#rooms.values(), (room) => room.close()))
  }

  /** One flush per room and tick: `setImmediate` runs when the poll phase has delivered all that every socket had. */
  #schedule(room: Room): void {
    if (room.isScheduled || this.#isStopped) return
    room.isScheduled = true
    if (this.#scheduled.push(room) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const rooms = this.#scheduled
    this.#scheduled = []
    for (const room of rooms) {
      room.isScheduled = false
      room.flush()
    }
  }
}
