import type { LogError, WorkspaceLog } from '@joinery/log'
import type { RoomDocument } from '../content/room-document.ts'
import { quarantined, storageBehind } from '../server-error.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { WritePath } from './write-path.ts'

/** What a program inside the server may do in a room. Good until the next `await`: an update may have the document rebuilt. */
export interface OpenRoom {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly connectionCount: number
  /** Throws `quarantined`, `too_slow` while storage is behind, and the storage error, before anything is done. */
  edit: <T>(edit: RoomEdit<T>) => RoomEdited<T>
  /** Throws as {@link edit} does, but for `too_slow`: whoever brings these is held instead. */
  writeKeyed: (keyed: KeyedUpdate) => ReturnType<WritePath['writeKeyed']>
}

/** What an {@link OpenRoom} is made of. */
interface OpenRoomParts extends Omit<WritePlace, 'audience'> {
  readonly connectionCount: number
  /** Why nothing may be written. */
  readonly damage: LogError | undefined
  /** Too much waits to be durable: nothing is to be added to it. */
  isBehind(): boolean
  audience(): WritePlace['audience']
  writes(): WritePath
  /** Something was written. */
  grown(): void
  /** A write threw: `document` may be spoilt. */
  failed(error: Error): void
}

export function openRoom(parts: OpenRoomParts): OpenRoom {
  const { log, document, connectionCount, damage } = parts
  const write = <T>(make: (writes: WritePath, place: WritePlace) => T): T => {
    if (damage !== undefined) throw quarantined(damage.message)
    try {
      const made = make(parts.writes(), { log, document, audience: parts.audience() })
      parts.grown()
      return made
    } catch (error) {
      parts.failed(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }
  return {
    log,
    document,
    connectionCount,
    edit: (edit) => {
      if (parts.isBehind()) throw storageBehind()
      return write((writes, place) => writes.edit(edit, place))
    },
    writeKeyed: (keyed) => write((writes, place) => writes.writeKeyed(keyed, place)),
  }
}
