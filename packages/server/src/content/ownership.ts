import type { WorkspaceId } from '@joinery/protocol'

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
