import type { Workspaces } from '@joinery/server'

/** A workspace's name, checked by {@link WORKSPACE_NAME}. */
export type WorkspaceId = Parameters<Workspaces['read']>[0]

/** One record of a workspace's log. */
export type LogRecord = ReturnType<Workspaces['records']> extends AsyncGenerator<infer Record> ? Record : never
export type Lsn = LogRecord['lsn']

const SEGMENT = '[A-Za-z0-9](?:(?!\\.\\.)[A-Za-z0-9._~:-]){0,127}'

/** The wire's rule for names as one pattern, which an OpenAPI document can carry; a test holds the two together. */
export const WORKSPACE_NAME = new RegExp(`^(?![^]*\\.\\.)${SEGMENT}(?:/${SEGMENT}){0,3}$`)
