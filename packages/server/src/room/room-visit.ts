import type { LogError, WorkspaceLog } from '@joinery/log'
import type { RoomDocument } from '../content/room-document.ts'
import { quarantined, storageBehind } from '../server-error.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { WritePath } from './write-path.ts'

/** What a program inside the server may do in a room. Good until the next `await`: an update may have the document rebuilt. */
export interface RoomVisit {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly memberCount: number
  /**
   * Makes an edit. Throws `quarantined`, `too_slow` while storage is behind, and the storage error, before anything is done.
   * Its `durable` also rejects with `moved` when the room has lost its workspace by then.
   */
  edit: <T>(edit: RoomEdit<T>) => RoomEdited<T>
  /** Throws as {@link edit} does, but not `too_slow`: the members that bring these are held instead. */
  writeKeyed: (keyed: KeyedUpdate) => ReturnType<WritePath['writeKeyed']>
}

/** What a {@link RoomVisit} is made of. */
interface RoomVisitParts extends Omit<WritePlace, 'audience'> {
  readonly memberCount: number
  /** Why nothing may be written. */
  readonly damage: LogError | undefined
  /** Too much waits to be durable: programs may not add to it. */
  isBehind(): boolean
  audience(): WritePlace['audience']
  writes(): WritePath
  /** Something was written. */
  grown(): void
  /** A write threw: `document` may be spoilt. */
  failed(error: Error): void
  /** Throws `moved` once the room has lost its workspace: what was written then may be lost. */
  assertMine(): void
}

export function makeVisit(parts: RoomVisitParts): RoomVisit {
  const { log, document, memberCount, damage } = parts
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
  /** An acknowledgement after the loss would be a promise that nobody keeps. */
  const whileMine = <T extends { readonly durable: Promise<void> }>(made: T): T => {
    const durable = made.durable.then(parts.assertMine)
    // The caller may not wait for it.
    durable.catch(() => undefined)
    return { ...made, durable }
  }
  return {
    log,
    document,
    memberCount,
    edit: (edit) => {
      if (parts.isBehind()) throw storageBehind()
      return whileMine(write((writes, place) => writes.edit(edit, place)))
    },
    writeKeyed: (keyed) => {
      const made = write((writes, place) => writes.writeKeyed(keyed, place))
      return 'code' in made ? made : whileMine(made)
    },
  }
}
