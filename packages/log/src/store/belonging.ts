import type { Database } from '../disk/database.ts'
import { nameOfWorkspaceKey, workspaceKey } from '../records/key.ts'
import { kindOfSystemLog, SYSTEM_LOG_RANGE, systemLogOf, workspaceOfSystemLog } from '../system-log.ts'

/**
 * Names of the system logs that belong to a workspace, those included whose purge has begun, in byte order. Takes two
 * look-ups for each kind of system log in the store, however many workspaces have one.
 */
export async function belongingTo(disk: Pick<Database, 'get' | 'entries'>, workspace: string): Promise<string[]> {
  const names = new Set<string>()
  const lt = workspaceKey(SYSTEM_LOG_RANGE.before)
  for (let gte = workspaceKey(SYSTEM_LOG_RANGE.from); ; ) {
    const key = await firstKey(disk, gte, lt)
    if (key === undefined) return [...names]
    const found = nameOfWorkspaceKey(key)
    const name = systemLogOf(kindOfSystemLog(found), workspace)
    if ((await disk.get(workspaceKey(name))) !== undefined) names.add(name)
    // All logs of one kind that belong to a workspace are neighbours. The one of the whole store stands apart.
    const isOfWorkspace = workspaceOfSystemLog(found) !== undefined
    gte = isOfWorkspace ? workspaceKey(`${kindOfSystemLog(found)}0`) : Buffer.concat([key, Buffer.alloc(1)])
  }
}

async function firstKey(
  disk: Pick<Database, 'entries'>,
  gte: Uint8Array,
  lt: Uint8Array,
): Promise<Uint8Array | undefined> {
  for await (const [key] of disk.entries({ gte, lt })) return key
  return undefined
}
