import type { Lsn } from '../lsn.ts'
import { Chain, type ChainMark, type ChainOrigin, type ChainValue, chainBegunAt } from '../records/chain.ts'
import { isChainValue, parseChainMarks } from '../records/kept-chain.ts'
import { damagedArchive } from './archive-chunk.ts'

/** First chunk of an archive: where it is from. */
export interface ArchiveHead {
  readonly storeId: string
  /** The moment that the archive shows, ms since epoch. */
  readonly at: number
  /** Text that the maker of the archive attached. The log knows nothing of its meaning. */
  readonly attached?: string
}

/** First chunk of a workspace. */
export interface ArchivedWorkspace {
  readonly workspace: string
  readonly generation: string
  /** Time of creation, ms since epoch. */
  readonly createdAt: number
  /** Set if the workspace is deleted: since when, ms since epoch. */
  readonly deletedAt?: number
  /** LSNs of the first record that can still be read and of the last. */
  readonly firstLsn: Lsn
  readonly head: Lsn
  /** LSN of the newest snapshot; 0 for none. */
  readonly snapshotLsn: Lsn
  /** The beginning of its chain. Absent in archives from before there was one. */
  readonly chain?: ArchivedChain
}

/** The beginning of the chain of an archived workspace. */
export interface ArchivedChain {
  /** Chain value of the last dropped record; 64 zeros if none was dropped. */
  readonly base: ChainValue
  readonly marks: readonly ChainMark[]
  /** Values kept for dropped records, by LSN, in order. */
  readonly dropped: readonly (readonly [Lsn, ChainValue])[]
}

/** Last chunk of a workspace: how much it holds. */
export interface ArchivedCounts {
  readonly records: number
  readonly snapshots: number
  /** Chain value of the last record. */
  readonly chain?: ChainValue
}

export interface ArchivedDamage {
  readonly workspace: string
  readonly reason: string
}

type Shape = Readonly<Record<string, 'string' | 'number' | 'optional number' | 'optional string'>>

const SHAPES = {
  head: { storeId: 'string', at: 'number', attached: 'optional string' },
  workspace: {
    workspace: 'string',
    generation: 'string',
    createdAt: 'number',
    deletedAt: 'optional number',
    firstLsn: 'number',
    head: 'number',
    snapshotLsn: 'number',
  },
  counts: { records: 'number', snapshots: 'number', chain: 'optional string' },
  damage: { workspace: 'string', reason: 'string' },
} as const satisfies Record<string, Shape>

interface Contents {
  readonly head: ArchiveHead
  readonly workspace: ArchivedWorkspace
  readonly counts: ArchivedCounts
  readonly damage: ArchivedDamage
}

/** Decodes the JSON of a chunk. Throws `corrupted`, naming the byte, unless it has the shape of `what`. */
export function parseContent<W extends keyof Contents>(
  what: W,
  { payload, offset }: { payload: Buffer; offset: number },
): Contents[W] {
  let value: unknown
  try {
    value = JSON.parse(payload.toString())
  } catch (cause) {
    throw damagedArchive(offset, 'a chunk that has to be JSON is not', cause)
  }
  if (typeof value !== 'object' || value === null)
    throw damagedArchive(offset, 'a chunk that has to be an object is not')
  for (const [key, type] of Object.entries<string>(SHAPES[what])) {
    const field: unknown = Reflect.get(value, key)
    if (type.startsWith('optional') && field === undefined) continue
    const isRight = type.endsWith('string')
      ? typeof field === 'string'
      : Number.isSafeInteger(field) && Number(field) >= 0
    if (!isRight) throw damagedArchive(offset, `the field ${key} has a wrong type or is missing`)
  }
  return value as Contents[W]
}

/** The chain's beginning in a workspace's first chunk, if it has one. Throws `corrupted`, naming the byte. */
export function parseChain({ chain, firstLsn }: ArchivedWorkspace, offset: number): ChainOrigin | undefined {
  if (chain === undefined) return undefined
  const marks = parseChainMarks(chain.marks)
  const isDropped = (item: unknown): boolean => Array.isArray(item) && item[0] < firstLsn && isChainValue(item[1])
  if (
    marks === undefined ||
    !isChainValue(chain.base) ||
    !Array.isArray(chain.dropped) ||
    !chain.dropped.every(isDropped)
  ) {
    throw damagedArchive(offset, 'the beginning of a chain is ill-formed')
  }
  return { lsn: (firstLsn - 1) as Lsn, value: chain.base, marks }
}

/**
 * The chain of an archived workspace, before its first record. An archive from before there were chains begins one as a log without
 * any value does: behind what it had dropped.
 */
export function chainOfArchived(archived: ArchivedWorkspace, offset = 0): { origin: ChainOrigin; chain: Chain } {
  const origin = parseChain(archived, offset) ?? chainBegunAt((archived.firstLsn - 1) as Lsn, archived.generation)
  return { origin, chain: new Chain(origin) }
}
