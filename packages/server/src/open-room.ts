import type { WorkspaceLog } from '@joinery/log'
import type { RoomDocument } from './room-document.ts'
import type { RoomEdit, RoomEdited } from './write-path.ts'

/** What a program inside the server may do in a room. Good until the next `await`: an update may have the document rebuilt. */
export interface OpenRoom {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly connectionCount: number
  /** Throws `quarantined`, and the storage error, before anything is done. */
  edit: <T>(edit: RoomEdit<T>) => RoomEdited<T>
}
