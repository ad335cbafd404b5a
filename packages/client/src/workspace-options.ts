import { parseWorkspaceName, WORKSPACE_NAME_RULE } from '@joinery/protocol'
import { ClientError } from './client-error.ts'

/** A JWT, or what gets a fresh one: called before each connection. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>)

export interface WorkspaceOptions {
  /** Address of the server, without the workspace: `wss://host`, or `https://host`, which means the same. */
  readonly url: string
  /** Name of the workspace. */
  readonly workspace: string
  readonly token?: TokenSource
  /** Who writes, where the server runs without keys; else the token says it. */
  readonly actor?: string
  /** The class of writer (`user_action`, `workflow_execution` ...), within what the token allows. */
  readonly source?: string
  /**
   * Whether to keep a copy in IndexedDB, so that edits made offline outlive the tab. By default where there is a window and
   * IndexedDB. `prefix` (by default `joinery`) starts the names of the databases.
   */
  readonly offline?: boolean | { readonly prefix: string }
  /** Closes the workspace when it aborts; whatever waits then rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface ParsedOptions {
  readonly url: string
  readonly workspace: string
  readonly actor: string | undefined
  readonly source: string | undefined
  /** Start of the databases' names; undefined when no copy is kept. */
  readonly prefix: string | undefined
}

const DEFAULT_PREFIX = 'joinery'

/** Throws `bad_options` and says what is wrong. */
export function parseOptions(options: WorkspaceOptions): ParsedOptions {
  const { workspace, actor, source } = options
  // Who calls it without types gets words, too.
  if (typeof workspace !== 'string' || parseWorkspaceName(workspace) === undefined) {
    throw new ClientError('bad_options', `${JSON.stringify(workspace)} can't be: ${WORKSPACE_NAME_RULE}`)
  }
  return { url: parseUrl(options.url), workspace, actor, source, prefix: prefixOf(options.offline) }
}

function parseUrl(text: string): string {
  // Not `URL.parse`, which Node 20 has not.
  const url = URL.canParse(text) ? new URL(text) : null
  const protocol = url === null ? '' : url.protocol.replace('http', 'ws')
  if (url === null || !['ws:', 'wss:'].includes(protocol) || url.search || url.hash || url.username) {
    const message = `the server's URL is ws://, wss://, http:// or https:// without query or user, got ${JSON.stringify(text)}`
    throw new ClientError('bad_options', message)
  }
  return `${protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}

function prefixOf(offline: WorkspaceOptions['offline']): string | undefined {
  const hasIndexedDb = typeof indexedDB !== 'undefined'
  if (offline === false) return undefined
  if (offline === undefined) return hasIndexedDb && typeof window !== 'undefined' ? DEFAULT_PREFIX : undefined
  if (!hasIndexedDb) throw new ClientError('bad_options', 'offline needs IndexedDB, and there is none here')
  return offline === true ? DEFAULT_PREFIX : offline.prefix
}
