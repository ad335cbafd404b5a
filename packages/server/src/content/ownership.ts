import type { EventStore, WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import { moved, ServerError } from '../server-error.ts'

/**
 * Decides which process writes a workspace. A server claims a workspace before it opens the workspace's log. One
 * machine uses {@link alwaysMine}; several machines bring an implementation of their own. `describeOwnership` in
 * `testing/` is the contract.
 */
export interface Ownership {
  /**
   * Claims a workspace. Resolves with the hold, or with the address of the present owner (one that clients and gateways
   * understand). Rejects when the owner can't be found out; the room then refuses its members with `load_failed`.
   */
  claim(workspace: WorkspaceId): Promise<{ readonly held: Hold } | { readonly at: string }>
}

/** The right to write one workspace, until it is released or lost. */
export interface Hold {
  /** Fencing token. It grows whenever another owner has held the workspace in between, and never shrinks. */
  readonly token: number
  /**
   * Time from which on this process has owned the workspace without a gap, ms of its `performance.now()`; by default the time
   * of the claim.
   */
  readonly sinceMs?: number
  /** Signal that aborts when another process holds the workspace; undefined for a hold that can't be lost. */
  readonly lost: AbortSignal | undefined
  /** Releases the workspace, to be called after its log is closed. Idempotent. */
  release(): Promise<void>
}

interface ClaimContext {
  readonly ownership: Ownership
  readonly store: EventStore
  readonly logger: Logger
}

/**
 * Claims a workspace. When its owner can't be found out, resolves with what this process has of the workspace, for reading only.
 * Rejects with `load_failed` if that is nothing, and with `moved` if another process owns the workspace.
 */
export async function claimOf(
  workspace: WorkspaceId,
  { ownership, store, logger }: ClaimContext,
): Promise<{ readonly held: Hold } | { readonly copy: WorkspaceLog }> {
  let claim: Awaited<ReturnType<Ownership['claim']>>
  try {
    claim = await ownership.claim(workspace)
  } catch (cause) {
    const copy = await store.openCopy?.(workspace)
    if (copy !== undefined) {
      logger.warn({ workspace, err: cause }, 'the workspace is shown from this process’s own copy, for reading only')
      return { copy }
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ServerError('load_failed', `the owner of the workspace can't be found out now: ${reason}`, { cause })
  }
  if ('at' in claim) throw moved()
  return claim
}

/** Time from which on this process has owned the workspace, ms of `performance.now()`: now, unless the hold says another. */
export function sinceOf(hold: Hold | undefined): number {
  return hold?.sinceMs ?? performance.now()
}

const RELEASED = Promise.resolve()

/**
 * Ownership for one process, which owns every workspace from its start on. All holds are one object, so a room costs
 * none.
 */
export function alwaysMine(startedAtMs = performance.now()): Ownership {
  const held: Hold = { token: 1, sinceMs: startedAtMs, lost: undefined, release: () => RELEASED }
  const claim = Promise.resolve({ held })
  return { claim: () => claim }
}
