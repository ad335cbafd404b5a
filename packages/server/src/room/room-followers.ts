import type { Loaded } from '../content/room-loader.ts'
import { quarantined, type ServerError } from '../server-error.ts'
import type { RoomFollower } from './room-follower.ts'
import type { WritePath } from './write-path.ts'

/** The followers of a room's records. While there is one, the room keeps its log open; the room may be cold. */
export class RoomFollowers {
  readonly #all = new Set<RoomFollower>()

  get size(): number {
    return this.#all.size
  }

  /** Tells `follower` of each record from now on. Returns unfollow. Throws `quarantined` for a damaged workspace. */
  add(follower: RoomFollower, { log, damage }: Loaded, writes: WritePath): () => void {
    if (damage !== undefined) throw quarantined(damage.message)
    const unlisten = writes.listen((record, durable) => follower.appended(record, durable))
    this.#all.add(follower)
    follower.opened(log, writes.durable)
    return () => {
      unlisten()
      this.#all.delete(follower)
    }
  }

  /** Ends all followers. */
  end(reason: ServerError): void {
    const followers = [...this.#all]
    this.#all.clear()
    for (const follower of followers) follower.closed(reason)
  }
}
