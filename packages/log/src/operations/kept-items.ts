import type { LogEntry } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { chainBegunAt } from '../records/chain.ts'
import { makeGeneration } from '../records/workspace-identity.ts'
import { readPatiently } from '../store/damaged-log.ts'
import { droppedKeys } from '../store/dropped-keys.ts'
import { type Rung, readRung } from '../store/ladder.ts'
import { readChainOrigin } from '../store/stored-chain.ts'
import { packAgainst } from '../store/take-snapshot.ts'
import type { ArchivedChain, ArchivedWorkspace } from './archive-content.ts'
import { archivedChain } from './export-archive.ts'
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
export async function planKept(
  look: WorkspaceLook,
  plan: RepairPlan,
  { note, now }: { note: LogEntry; now: number },
): Promise<Kept> {
  const { workspace, identity } = look
  const { firstLsn, head, headAt, snapshots, reached } = plan
  const noteLsn = (head + 1) as Lsn
  const generation = reached > head ? makeGeneration() : identity.generation
  const { createdAt } = identity
  const snapshotLsn = snapshots.at(-1) ?? (0 as Lsn)
  return {
    archived: {
      ...{ workspace, generation, createdAt, firstLsn, head: noteLsn, snapshotLsn },
      chain: await keptChain(look, plan, generation),
    },
    items: async function* () {
      for await (const item of intactItems(look, plan)) {
        look.signal?.throwIfAborted()
        yield item
      }
      yield { kind: 'records', records: [{ ...note, lsn: noteLsn, at: Math.max(now, headAt) }] }
    },
  }
}

/**
 * The chain of the kept records goes on as it was: heads that were signed for them still hold. A mark before the note names a new
 * generation. Where the kept part of the chain is damaged, it begins anew, and those heads hold no more.
 */
async function keptChain(
  look: WorkspaceLook,
  { firstLsn, head }: RepairPlan,
  generation: string,
): Promise<ArchivedChain> {
  const known = look.identity.generation
  const begun = chainBegunAt((firstLsn - 1) as Lsn, known)
  const origin = await readChainOrigin(look, known, firstLsn).catch(orElse(begun))
  const { base, marks, dropped } = await archivedChain(look, origin).catch(
    orElse({ base: begun.value, marks: begun.marks, dropped: [] }),
  )
  const kept = marks.filter(({ after }) => after <= head)
  return { base, dropped, marks: generation === known ? kept : [...kept, { after: head, generation }] }
}

function orElse<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (!isDamage(error)) throw error
    return value
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
