import type { WorkspaceLog } from '@joinery/log'
import { notReplicated, type ServerError } from '../server-error.ts'

/** Time for which records reach no other machine before clients hear of it, and before they are sent elsewhere, ms. */
export const REPLICATION_TELL_MS = 5_000
const REPLICATION_REFUSE_MS = 15_000

/** The part of a room that the watch needs. */
interface WatchedRoom {
  readonly loaded: { readonly log: Pick<WorkspaceLog, 'replication'> } | undefined
  storageChanged(): void
  close(refusal: ServerError): Promise<void>
}

/** Whether records of a log wait so long for other machines that clients have to hear of it. */
export function isLate({ replication }: Pick<WorkspaceLog, 'replication'>): boolean {
  return replication?.isAwaited === true && replication.waitsMs >= REPLICATION_TELL_MS
}

/**
 * Tells the members of rooms whose records reach no other machine, and after a while closes the rooms: their clients may reach a node
 * that the others can hear.
 */
export class ReplicationWatch {
  readonly #late = new WeakSet<WatchedRoom>()

  /** Called about once a second for each room. */
  look(room: WatchedRoom): void {
    const log = room.loaded?.log
    if (log?.replication === undefined) return
    const late = isLate(log)
    if (late && log.replication.waitsMs >= REPLICATION_REFUSE_MS) return void room.close(notReplicated())
    if (late === this.#late.has(room)) return
    if (late) this.#late.add(room)
    else this.#late.delete(room)
    room.storageChanged()
  }
}
