import type { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import { LogError } from '../log-error.ts'
import { KIND, nameKey, OWNED_KINDS, ownRange, workspaceKey } from '../records/key.ts'
import {
  decodeWorkspaceIdentity,
  encodeWorkspaceIdentity,
  type WorkspaceIdentity,
} from '../records/workspace-identity.ts'
import type { Write } from '../records/write.ts'
import { isSystemLog } from '../system-log.ts'
import { tidy } from './tidy.ts'
import { checkUnknown, type Witness } from './witness.ts'

/** The part of its store that deleting a workspace needs. The store makes sure that no log of the workspace is open. */
export interface RemovalHost {
  now(): number
  assertOpen(): void
  group(): Group
  readonly disk: Database
}

/** Most writes of one batch: writes of others go on in between. */
const KEYS_PER_BATCH = 1_000

/** Marks a workspace deleted. Does nothing if it is deleted already. Throws `invalid` if there is none. */
export async function tombstone(host: RemovalHost, witness: Witness, workspace: string): Promise<void> {
  const identity = await findIdentity(host, witness, workspace)
  if (identity.deleted !== undefined) return
  await writeIdentity(host, workspace, { ...identity, deleted: { at: host.now(), isPurging: false } })
}

/** Takes {@link tombstone} back. Throws `deleted` when parts of the workspace may be gone. */
export async function undelete(host: RemovalHost, witness: Witness, workspace: string): Promise<void> {
  const { deleted, ...identity } = await findIdentity(host, witness, workspace)
  if (deleted?.isPurging) {
    throw new LogError(
      'deleted',
      `workspace ${workspace} is being purged, and parts of it may be gone: purge it again to complete that`,
      { workspace },
    )
  }
  if (deleted !== undefined) await writeIdentity(host, workspace, identity)
}

/**
 * Removes everything of a deleted workspace and of its system logs, `belonging`, except the entries that keep their numbers
 * from being given again. Their purges begin in one write, and the workspace goes last: until then it can be done again.
 * `beside` is done in between, so that what it removes is gone before the name is free.
 */
export async function purge(
  host: RemovalHost,
  witness: Witness,
  workspace: string,
  belonging: readonly string[],
  beside: () => Promise<void> = async () => {},
): Promise<void> {
  const identities = new Map<string, WorkspaceIdentity>()
  for (const name of [...belonging, workspace]) {
    const identity = await findIdentity(host, witness, name)
    const deleted = isSystemLog(name) ? (identity.deleted ?? { at: host.now() }) : identity.deleted
    if (deleted === undefined) {
      throw new LogError('invalid', `workspace ${workspace} is not deleted: delete it first`, { workspace })
    }
    identities.set(name, { ...identity, deleted: { ...deleted, isPurging: true } })
  }
  const marks = [...identities].flatMap(([name, identity]) => encodeWorkspaceIdentity(name, identity).slice(0, 1))
  await write(host, marks, { sync: true })
  await beside()
  for (const [name, { number }] of identities) await removeEntries(host, name, number)
}

/** Removes everything of one log, deleted or not, and nothing beside it. Does nothing if there is none. */
export async function discard(host: RemovalHost, witness: Witness, name: string): Promise<void> {
  if ((await generationOf(host, name)) === undefined) return
  const identity = await findIdentity(host, witness, name)
  const deleted = { at: host.now(), ...identity.deleted, isPurging: true }
  await writeIdentity(host, name, { ...identity, deleted })
  await removeEntries(host, name, identity.number)
}

/** The generation of a log, also of a deleted one; undefined if there is none. Throws `corrupted`. */
export async function generationOf({ disk }: Pick<RemovalHost, 'disk'>, name: string): Promise<string | undefined> {
  const value = await disk.get(workspaceKey(name))
  return value && decodeWorkspaceIdentity(name, value).generation
}

async function removeEntries(host: RemovalHost, workspace: string, number: number): Promise<void> {
  // LevelDB would put entries that are still in its memory into one file with their deletion, and they would stay
  // there.
  await tidy(host, ownRange(KIND.extent, number))
  for (const kind of OWNED_KINDS) {
    for await (const keys of host.disk.keys(ownRange(kind, number), KEYS_PER_BATCH)) {
      await write(
        host,
        keys.map((key) => ({ type: 'del', key })),
      )
    }
  }
  // Roll calls may know the number: without a name entry it would count as a workspace that has lost its name.
  const ends: Write[] = [
    { type: 'del', key: workspaceKey(workspace) },
    { type: 'put', key: nameKey(number), value: new Uint8Array(0) },
  ]
  await write(host, ends, { sync: true })
  // LevelDB keeps deleted bytes until it next rewrites the files that hold them.
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
  return host.group().add(writes, { sync })
}
