import { CLAIM_LISTS, type ClaimList, claimListsWith, type Machine, type MachineList } from '@joinery/blocks'
import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import { ClientError } from './client-error.ts'

/** A JWT, or a function that returns a fresh one. The function is called before each connection. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>)

export interface WorkspaceOptions {
  /** Address of the server, without the workspace: `wss://host`, or `https://host`, which means the same. */
  readonly url: string
  /** Name of the workspace. */
  readonly workspace: string
  readonly token?: TokenSource
  /** Name of the writer, for a server without keys. With keys, the token names the writer. */
  readonly actor?: string
  /** Class of the writer (`user_action`, `workflow_execution` ...). The token must allow it. */
  readonly source?: string
  /**
   * Whether to keep a copy in IndexedDB, so that edits made offline outlive the tab. By default a copy is kept if there is a
   * window and IndexedDB. `prefix` (by default `joinery`) begins the names of the databases.
   */
  readonly offline?: boolean | { readonly prefix: string }
  /** Closes the workspace when it aborts. Every promise that waits then rejects with its reason. */
  readonly signal?: AbortSignal
  /** The lists of claims that blocks have: the table of the server's rules. Joinery's own by default. */
  readonly lists?: readonly ClaimList[]
  /** The application's own machines, which the server must have alike. Not beside `lists`, which has them. */
  readonly machines?: readonly Machine<string, string>[]
}

export interface ParsedOptions {
  readonly url: string
  readonly workspace: string
  readonly actor: string | undefined
  readonly source: string | undefined
  /** Beginning of the databases' names; undefined when no copy is kept. */
  readonly prefix: string | undefined
  readonly lists: readonly ClaimList[]
  /** The list of statuses among them; undefined when there is none. */
  readonly machines: MachineList | undefined
}

const DEFAULT_PREFIX = 'joinery'

/** Checks the options. Throws `bad_options` with the reason. */
export function parseOptions(options: WorkspaceOptions): ParsedOptions {
  const { workspace, actor, source } = options
  // Callers without types get a message, too.
  if (typeof workspace !== 'string' || parseWorkspaceName(workspace) === undefined) {
    throw new ClientError('bad_options', `${JSON.stringify(workspace)} can't be: ${WORKSPACE_NAME_RULE}`)
  }
  const lists = listsOf(options)
  const machines = lists.find(({ part }) => part === 'statuses') as MachineList | undefined
  return { url: parseUrl(options.url), workspace, actor, source, prefix: prefixOf(options.offline), lists, machines }
}

function listsOf({ lists, machines }: WorkspaceOptions): readonly ClaimList[] {
  if (machines === undefined) return lists ?? CLAIM_LISTS
  if (lists !== undefined)
    throw new ClientError('bad_options', 'machines stand in lists: give claimListsWith(machines) as lists alone')
  try {
    return claimListsWith(machines)
  } catch (cause) {
    throw new ClientError('bad_options', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function parseUrl(text: string): string {
  const url = urlOf(text)
  const protocol = url === null ? '' : url.protocol.replace('http', 'ws')
  if (url === null || !['ws:', 'wss:'].includes(protocol) || url.search || url.hash || url.username) {
    const message = `bad server URL ${JSON.stringify(text)}: give a ws, wss, http or https URL without query or user`
    throw new ClientError('bad_options', message)
  }
  return `${protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}

/** Not `URL.parse` or `URL.canParse`: Safari 16 has neither. */
function urlOf(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

/** A browser that denies storage may throw where a page only looks for it. */
function hasIndexedDbHere(): boolean {
  try {
    return typeof indexedDB !== 'undefined'
  } catch {
    return false
  }
}

function prefixOf(offline: WorkspaceOptions['offline']): string | undefined {
  const hasIndexedDb = hasIndexedDbHere()
  if (offline === false) return undefined
  if (offline === undefined) return hasIndexedDb && typeof window !== 'undefined' ? DEFAULT_PREFIX : undefined
  if (!hasIndexedDb) throw new ClientError('bad_options', 'there is no IndexedDB here: leave out the option offline')
  return offline === true ? DEFAULT_PREFIX : offline.prefix
}
