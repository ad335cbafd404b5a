import type { Lsn } from '../lsn.ts'
import { damagedArchive } from './archive-chunk.ts'

/** Says where an archive is from. */
export interface ArchiveHead {
  readonly storeId: string
  /** The moment it shows, ms since epoch. */
  readonly at: number
}

/** Says what an archive holds of a workspace. */
export interface ArchivedWorkspace {
  readonly workspace: string
  readonly generation: string
  /** Birth, ms since epoch. */
  readonly createdAt: number
  /** Set if it is deleted, ms since epoch. */
  readonly deletedAt?: number
  /** First LSN that can still be read, and last. */
  readonly firstLsn: Lsn
  readonly head: Lsn
  /** The snapshot that counts; 0 for none. */
  readonly snapshotLsn: Lsn
}

/** Counts that close a workspace. */
export interface ArchivedCounts {
  readonly records: number
  readonly snapshots: number
}

export interface ArchivedDamage {
  readonly workspace: string
  readonly reason: string
}

type Shape = Readonly<Record<string, 'string' | 'number' | 'optional number'>>

const SHAPES = {
  head: { storeId: 'string', at: 'number' },
  workspace: {
    workspace: 'string',
    generation: 'string',
    createdAt: 'number',
    deletedAt: 'optional number',
    firstLsn: 'number',
    head: 'number',
    snapshotLsn: 'number',
  },
  counts: { records: 'number', snapshots: 'number' },
  damage: { workspace: 'string', reason: 'string' },
} as const satisfies Record<string, Shape>

interface Contents {
  readonly head: ArchiveHead
  readonly workspace: ArchivedWorkspace
  readonly counts: ArchivedCounts
  readonly damage: ArchivedDamage
}

/** The JSON of a chunk. Throws `corrupted`, naming the byte, unless it has the shape of `what`. */
export function parseContent<W extends keyof Contents>(
  what: W,
  { payload, offset }: { payload: Buffer; offset: number },
): Contents[W] {
  let value: unknown
  try {
    value = JSON.parse(payload.toString())
  } catch (cause) {
    throw damagedArchive(offset, 'what should be JSON is none', cause)
  }
  if (typeof value !== 'object' || value === null) throw damagedArchive(offset, 'what should be an object is none')
  for (const [key, type] of Object.entries<string>(SHAPES[what])) {
    const field: unknown = Reflect.get(value, key)
    if (type === 'optional number' && field === undefined) continue
    const isRight = type === 'string' ? typeof field === 'string' : Number.isSafeInteger(field) && Number(field) >= 0
    if (!isRight) throw damagedArchive(offset, `${key} is not as it should be`)
  }
  return value as Contents[W]
}
