import type { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import { LogError } from '../log-error.ts'
import { KIND, nameKey, ownRange, workspaceKey } from '../records/key.ts'
import {
  decodeWorkspaceIdentity,
  encodeWorkspaceIdentity,
  type WorkspaceIdentity,
} from '../records/workspace-identity.ts'
import type { Write } from '../records/write.ts'
import { tidy } from './tidy.ts'
import { checkUnknown, type Witness } from './witness.ts'

/** What deleting a workspace needs of its store, which sees to it that nobody has it open. */
export interface RemovalHost {
  now(): number
  assertOpen(): void
  group(): Group
  readonly disk: Database
}

/** Bounds one batch, so that everyone else's writes go on between. */
const KEYS_PER_BATCH = 1_000
const OWNED_KINDS = [KIND.snapshot, KIND.idempotency, KIND.record, KIND.segment, KIND.extent]

/** Marks a workspace deleted; one that is already stays as it is. Throws `invalid` if there is none. */
export async function tombstone(host: RemovalHost, witness: Witness, workspace: string): Promise<void> {
  const identity = await findIdentity(host, witness, workspace)
  if (identity.deleted !== undefined) return
  await writeIdentity(host, workspace, { ...identity, deleted: { at: host.now(), isPurging: false } })
}

/** Takes that back. Throws `deleted` when parts of it may be gone already. */
export async function undelete(host: RemovalHost, witness: Witness, workspace: string): Promise<void> {
  const { deleted, ...identity } = await findIdentity(host, witness, workspace)
  if (deleted?.isPurging) {
    throw new LogError('deleted', `workspace ${workspace} is being purged: purge it again to end that`, { workspace })
  }
  if (deleted !== undefined) await writeIdentity(host, workspace, identity)
}

/** Removes everything of a deleted workspace but the knowledge that its number was given. */
export async function purge(host: RemovalHost, witness: Witness, workspace: string): Promise<void> {
  const identity = await findIdentity(host, witness, workspace)
  const { number, deleted } = identity
  if (deleted === undefined) {
    throw new LogError('invalid', `workspace ${workspace} is not deleted: delete it first`, { workspace })
  }
  await writeIdentity(host, workspace, { ...identity, deleted: { ...deleted, isPurging: true } })
  // What is still in LevelDB's memory would else share a file with its deletion, and stay there.
  await tidy(host, ownRange(KIND.extent, number))
  for (const kind of OWNED_KINDS) {
    for await (const keys of host.disk.keys(ownRange(kind, number), KEYS_PER_BATCH)) {
      await write(
        host,
        keys.map((key) => ({ type: 'del', key })),
      )
    }
  }
  // Roll calls may know the number: without any name it would pass for a workspace that lost its own.
  const ends: Write[] = [
    { type: 'del', key: workspaceKey(workspace) },
    { type: 'put', key: nameKey(number), value: new Uint8Array(0) },
  ]
  await write(host, ends, { sync: true })
  // Deleted is not gone: LevelDB keeps the bytes until it next rewrites the files they are in.
  for (const kind of OWNED_KINDS) await tidy(host, ownRange(kind, number))
  const names = [workspaceKey(workspace), nameKey(number)]
  for (const gte of names) await tidy(host, { gte, lt: Buffer.concat([gte, Buffer.alloc(1)]) })
}

async function findIdentity(host: RemovalHost, witness: Witness, workspace: string): Promise<WorkspaceIdentity> {
  const value = await host.disk.get(workspaceKey(workspace))
  if (value !== undefined) return decodeWorkspaceIdentity(workspace, value)
  checkUnknown(witness, workspace)
  throw new LogError('invalid', `workspace ${workspace} does not exist`, { workspace })
}

function writeIdentity(host: RemovalHost, workspace: string, identity: WorkspaceIdentity): Promise<void> {
  return write(host, encodeWorkspaceIdentity(workspace, identity).slice(0, 1), { sync: true })
}

function write(host: RemovalHost, writes: readonly Write[], { sync = false } = {}): Promise<void> {
  host.assertOpen()
  const group = host.group()
  group.writes.push(...writes)
  if (sync) group.needsSync = true
  return group.durable
}
