import type { LogEntry } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { makeGeneration } from '../records/workspace-identity.ts'
import { readPatiently } from '../store/damaged-log.ts'
import { type Rung, readRung } from '../store/ladder.ts'
import { packAgainst } from '../store/take-snapshot.ts'
import type { ArchivedWorkspace } from './archive-content.ts'
import { droppedKeys } from './export-archive.ts'
import { isDamage } from './problem.ts'
import type { ArchiveItem } from './read-archive.ts'
import type { RepairPlan } from './repair-plan.ts'
import type { WorkspaceLook } from './verify-workspace.ts'

/** The workspace that a repair makes, with `note` as its last record. */
export interface Kept {
  readonly archived: ArchivedWorkspace
  /** Its content, in an archive's order. Throws `corrupted`, and the reason of an abort. */
  items(): AsyncGenerator<ArchiveItem>
}

/**
 * If records behind the kept ones are dropped, the generation is a new one: clients that have those records must not
 * take others for them.
 */
export function planKept(look: WorkspaceLook, plan: RepairPlan, { note, now }: { note: LogEntry; now: number }): Kept {
  const { workspace, identity } = look
  const { firstLsn, head, headAt, snapshots, reached } = plan
  const noteLsn = (head + 1) as Lsn
  const generation = reached > head ? makeGeneration() : identity.generation
  const { createdAt } = identity
  const snapshotLsn = snapshots.at(-1) ?? (0 as Lsn)
  return {
    archived: { workspace, generation, createdAt, firstLsn, head: noteLsn, snapshotLsn },
    items: async function* () {
      for await (const item of intactItems(look, plan)) {
        look.signal?.throwIfAborted()
        yield item
      }
      yield { kind: 'records', records: [{ ...note, lsn: noteLsn, at: Math.max(now, headAt) }] }
    },
  }
}

async function* intactItems(look: WorkspaceLook, plan: RepairPlan): AsyncGenerator<ArchiveItem> {
  const { firstLsn, head, snapshots, extent } = plan
  let last: Rung | undefined
  for (const lsn of snapshots) {
    const rung = await readRung(look, lsn)
    const snapshot = await packAgainst(last, rung)
    yield { kind: 'snapshot', snapshot }
    last = { ...rung, depth: snapshot.base?.depth ?? 0 }
  }
  // A repeated append of a dropped record must not count as new.
  if (firstLsn > 1) for await (const keys of droppedKeys(look, firstLsn, ifDamaged)) yield { kind: 'keys', keys }
  for await (const records of readPatiently({ ...look, extent }, firstLsn, head)) yield { kind: 'records', records }
}

function ifDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error
}
