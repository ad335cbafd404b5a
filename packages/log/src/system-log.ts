import { LogError } from './log-error.ts'

/**
 * First character of the name of a system log. No workspace that a client can open has such a name, so a program inside the
 * server keeps its own records there.
 */
const MARK = '!'

/** All names of system logs, in byte order: from `from`, and before `before`. */
export const SYSTEM_LOG_RANGE = { from: '!', before: '"' } as const

/** Whether a log's name is that of a system log: `!kind`, or `!kind/workspace` for one that belongs to a workspace. */
export function isSystemLog(name: string): boolean {
  return name.startsWith(MARK)
}

/** The workspace that a system log belongs to; undefined for one that belongs to the whole store, and for a workspace. */
export function workspaceOfSystemLog(name: string): string | undefined {
  const slash = name.indexOf('/')
  return isSystemLog(name) && slash > 0 && slash < name.length - 1 ? name.slice(slash + 1) : undefined
}

/** The name of the system log of one kind that belongs to a workspace. `kind` has its `!`, and no slash. */
export function systemLogOf(kind: string, workspace: string): string {
  return `${kind}/${workspace}`
}

/** The kind of a system log, with its `!`: `!work` for `!work` and `!work/demo`. */
export function kindOfSystemLog(name: string): string {
  return name.split('/', 1)[0] ?? name
}

/** Throws `invalid` for a system log: it is deleted with its workspace only. */
export function assertDeletable(name: string): void {
  if (!isSystemLog(name)) return
  const owner = workspaceOfSystemLog(name)
  const advice = owner === undefined ? 'it belongs to the whole store' : `it goes when workspace ${owner} is purged`
  throw new LogError('invalid', `${name} is a system log and can't be deleted by itself: ${advice}`, {
    workspace: name,
  })
}

/** Throws `invalid` unless a system log belongs to a workspace, and that one does not exist. */
export function assertPurgeable(name: string, hasWorkspace: boolean): void {
  if (hasWorkspace || workspaceOfSystemLog(name) === undefined) assertDeletable(name)
}

/** Workspaces, then system logs, each in their order. */
export function apart<T extends { readonly workspace: string }>(
  logs: readonly T[],
): [workspaces: T[], systemLogs: T[]] {
  const isOfSystem = ({ workspace }: T): boolean => isSystemLog(workspace)
  return [logs.filter((log) => !isOfSystem(log)), logs.filter(isOfSystem)]
}
