import type { EventStore } from '../event-store.ts'

/** All names at once, for tests. */
export async function listWorkspaces(store: Pick<EventStore, 'workspaces'>): Promise<string[]> {
  const names: string[] = []
  for await (const name of store.workspaces()) names.push(name)
  return names
}
