import type { Database } from '../disk/database.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { Extent } from '../records/extent.ts'
import { KIND, kindRange, nameKey, numberOfKey, workspaceKey } from '../records/key.ts'
import { readRollCalls } from './roll-call-heads.ts'

/** Most keys fetched in one trip to LevelDB's thread. */
const NUMBERS_PER_STEP = 1_000

/** The facts that a store learns about its content before it opens any workspace. */
export interface Witness {
  /** The lowest number that no workspace has or ever had, nor any higher one. */
  readonly firstFreeNumber: number
  readonly nextRollCall: number
  /** The LSN that each workspace is known to have reached, by number. */
  readonly heads: Map<number, Lsn>
  /** Numbers that have records and no name any more. */
  readonly nameless: readonly number[]
  /** Names that have records and whose identity is lost. */
  readonly unfindable: ReadonlySet<string>
}

/** Reads the roll calls (a few hundred small values) and the ends of two key ranges. Reads no records. */
export async function takeWitness(disk: Database): Promise<Witness> {
  const { heads, nextRollCall } = await readRollCalls((range) => disk.entries(range))
  const { nameless, unfindable } = await lookForNames(disk, [...heads.keys()])
  // A number whose name is lost must not be given to another workspace: the highest number is looked for in records and
  // roll calls, too.
  const last = [await disk.last(kindRange(KIND.name)), await disk.last(kindRange(KIND.record))]
  const known = [...heads.keys(), ...last.flatMap((entry) => (entry === undefined ? [] : [numberOfKey(entry[0])]))]
  return { firstFreeNumber: 1 + known.reduce((a, b) => Math.max(a, b), -1), nextRollCall, heads, nameless, unfindable }
}

async function lookForNames(disk: Database, numbers: readonly number[]) {
  const nameless: number[] = []
  const unfindable = new Set<string>()
  for (let start = 0; start < numbers.length; start += NUMBERS_PER_STEP) {
    const some = numbers.slice(start, start + NUMBERS_PER_STEP)
    const bytes = await disk.getMany(some.map(nameKey))
    const names = bytes.map((name) => (name === undefined ? undefined : Buffer.from(name).toString()))
    nameless.push(...some.filter((_, n) => names[n] === undefined))
    // A purged workspace has an empty name.
    const found = names.flatMap((name) => (name ? [name] : []))
    const identities = await disk.getMany(found.map(workspaceKey))
    for (const [n, name] of found.entries()) if (identities[n] === undefined) unfindable.add(name)
  }
  return { nameless, unfindable }
}

/** Throws `corrupted` if roll calls, a snapshot or sealed records show that the log has reached beyond `head`. */
export function checkHead(witness: Witness, workspace: string, number: number, head: Lsn, extent: Extent): void {
  const seen = Math.max(witness.heads.get(number) ?? 0, extent.snapshotLsn, extent.sealedLsn)
  if (seen <= head) return
  const message = `workspace ${workspace} ends at record ${head} and had reached ${seen}: its end is lost`
  throw new LogError('corrupted', message, { workspace, lsn: (head + 1) as Lsn })
}

/** Throws `corrupted` if an unknown workspace may be one that has lost its name. */
export function checkUnknown(witness: Witness, workspace: string): void {
  if (witness.unfindable.has(workspace)) {
    throw new LogError('corrupted', `the identity of workspace ${workspace} is lost`, { workspace })
  }
  if (witness.nameless.length === 0) return
  const numbers = witness.nameless.join(', ')
  throw new LogError(
    'corrupted',
    `workspace ${workspace} is unknown, and may be one that has lost its name: number ${numbers}`,
  )
}
