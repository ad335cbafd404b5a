import type { LogError, WorkspaceLog } from '@joinery/log'
import type { KnownComparison } from '../content/known-comparison.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { TriedUnits } from '../content/trials/tried-units.ts'
import { quarantined, storageBehind } from '../server-error.ts'
import type { BroughtUpdate } from './brought-update.ts'
import type { Member } from './member.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { WritePath } from './write-path.ts'

/**
 * A room as a program inside the server uses it. Valid until the next `await`: then the document may have been rebuilt.
 */
export interface RoomVisit {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly memberCount: number
  /**
   * Makes an edit. Before anything is done, throws `quarantined`, `too_slow` while storage is behind, or the storage
   * error. The result's `durable` also rejects with `moved` when the room has lost its workspace by then.
   */
  edit: <T>(edit: RoomEdit<T>) => RoomEdited<T>
  /** Applies an update that a program brings in. Throws as {@link edit} does. */
  bring: (brought: BroughtUpdate) => ReturnType<WritePath['bring']>
  /**
   * Makes a keyed update. Throws as {@link edit} does, but never `too_slow`: the members that send them are held
   * instead.
   */
  writeKeyed: (keyed: KeyedUpdate) => ReturnType<WritePath['writeKeyed']>
  /**
   * Goes on comparing the first update in a member's inbox. Returns whether it brings nothing new, and then takes and acknowledges it;
   * undefined while that can't be told. Throws as {@link edit}, but never `too_slow`.
   */
  compare: (member: Member, comparison: KnownComparison) => boolean | undefined
  /** Begins with the first update in a member's inbox, which was tried. Throws as {@link edit}, but never `too_slow`. */
  beginUnits: (member: Member, parts: readonly Uint8Array[]) => TriedUnits | undefined
  /**
   * Inspects or applies what comes next of such an update; false when it is refused. Throws as {@link edit} does, but never `too_slow`,
   * and the errors of a spoilt document.
   */
  takeUnits: (member: Member, units: TriedUnits) => boolean
}

/** The parts that a {@link RoomVisit} is made of. */
interface RoomVisitParts extends Omit<WritePlace, 'audience'> {
  readonly memberCount: number
  /** Time until which a member may send edits of others that an earlier owner has lost, ms of `performance.now()`. */
  readonly relaysUntilMs: number
  /** The damage of the workspace, if there is any: nothing may be written then. */
  readonly damage: LogError | undefined
  /** Whether so much waits to be durable that programs may not add to it. */
  isBehind(): boolean
  audience(): WritePlace['audience']
  writes(): WritePath
  /** Called after a write. */
  grown(): void
  /** Called when a write threw: `document` may be spoilt. */
  failed(error: Error): void
  /** Throws `moved` when the room has lost its workspace: its last writes may be lost. */
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
  /** Rejects `durable` if the workspace is lost by then: an acknowledgement would be a promise that nobody keeps. */
  const whileMine = <T extends { readonly durable: Promise<void> }>(made: T): T => {
    const durable = made.durable.then(parts.assertMine)
    // The caller may ignore `durable`, and an unhandled rejection would end the process.
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
    bring: (brought) => {
      if (parts.isBehind()) throw storageBehind()
      const made = write((writes, place) => writes.bring(brought, place))
      return 'code' in made ? made : whileMine(made)
    },
    writeKeyed: (keyed) => {
      const made = write((writes, place) => writes.writeKeyed(keyed, place))
      return 'code' in made || 'shown' in made ? made : whileMine(made)
    },
    compare: (member, comparison) => write((writes, place) => writes.compare(member, comparison, place)),
    beginUnits: (member, given) =>
      write((writes, place) => writes.beginUnits(member, given, place, parts.relaysUntilMs)),
    takeUnits: (member, units) => write((writes, place) => writes.takeUnits(member, units, place, parts.relaysUntilMs)),
  }
}
