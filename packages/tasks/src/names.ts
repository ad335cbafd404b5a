import { createHash, randomBytes } from 'node:crypto'
import { kindOfSystemLog, workspaceOfSystemLog } from '@joinery/log'
import { parseWorkspaceName } from '@joinery/protocol'
import type { Target } from './task-event.ts'

/** Kind of the logs: `!work` for the server, `!work/<workspace>` for a workspace. */
export const KIND = '!work'

/** Characters of a time in base 36: enough until the year 5188. */
const TIME_DIGITS = 9
const TASK = /^tsk_([A-Za-z0-9_-]+)\.([0-9a-z]{9}[0-9a-f]{20})$/
const TOKEN = /^w1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{11})$/

/** The workspace whose journal of tasks has this name; undefined for the server's own and for other logs. */
export function workspaceOfJournal(log: string): string | undefined {
  return kindOfSystemLog(log) === KIND ? workspaceOfSystemLog(log) : undefined
}

/** An id for a task. It names its workspace, and ids of one workspace are in the order of their times. */
export function makeTaskId(workspace: string, atMs: number): string {
  const time = Math.max(0, Math.trunc(atMs)).toString(36).padStart(TIME_DIGITS, '0')
  return `tsk_${Buffer.from(workspace).toString('base64url')}.${time}${randomBytes(10).toString('hex')}`
}

/** The workspace in the id of a task; undefined for a text that is no such id. Says nothing of whether the task exists. */
export function workspaceOfTask(id: string): string | undefined {
  const part = TASK.exec(id)?.[1]
  if (part === undefined || id.length > 1_000) return undefined
  const name = Buffer.from(part, 'base64url').toString()
  if (Buffer.from(name).toString('base64url') !== part) return undefined
  return parseWorkspaceName(name)
}

export function makeNonce(): string {
  return randomBytes(16).toString('base64url')
}

/** The token of a lease, which is opaque to its worker. */
export function tokenOf(nonce: string, workspace: string): string {
  return `w1.${nonce}.${tagOf(workspace)}`
}

/** The parts of a token; undefined for a text that is no token. */
export function parseToken(token: string): { readonly nonce: string; readonly tag: string } | undefined {
  const [, nonce, tag] = TOKEN.exec(token) ?? []
  return nonce === undefined || tag === undefined ? undefined : { nonce, tag }
}

/** Tells a workspace in tokens: whose token it is must be known without the journal. */
export function tagOf(workspace: string): string {
  return createHash('sha256').update(workspace).digest('base64url').slice(0, 11)
}

/** The first 8 bytes of the SHA-256 of the workspace that a token is of, in hexadecimal; undefined for a text that is no token. */
export function workspaceHashOfToken(token: string): string | undefined {
  const tag = parseToken(token)?.tag
  return tag === undefined ? undefined : Buffer.from(tag, 'base64url').toString('hex')
}

/**
 * The idempotency key of an attempt, for the outside: the same in every attempt and every process, another for the run and for
 * the undo. An id of a task is random, so no two journals make the same key. A copy of a journal makes the same keys.
 */
export function keyOf({ task, kind, step, item }: Target): string {
  const parts = JSON.stringify([task, step ?? null, item ?? null, kind])
  return createHash('sha256').update(parts).digest('base64url').slice(0, 32)
}

/** Whether a text has the form of a token of a lease. Says nothing of whether the lease stands. */
export function isWorkToken(token: string): boolean {
  return parseToken(token) !== undefined
}
