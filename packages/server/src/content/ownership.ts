import type { WorkspaceId } from '@joinery/protocol'

/**
 * Decides which process writes a workspace. A server asks before it opens a workspace's log. On one machine
 * {@link alwaysMine} is the answer; more machines bring their own. `describeOwnership` in `testing/` is the contract.
 */
export interface Ownership {
  /**
   * Claims a workspace. Resolves with the hold, or with where the owner can be reached (an address that clients and
   * gateways understand). Rejects when the owner can't be told; the room then refuses with `load_failed`.
   */
  claim(workspace: WorkspaceId): Promise<{ readonly held: Hold } | { readonly at: string }>
}

/** The right to write one workspace, until it is released or lost. */
export interface Hold {
  /** Fencing token: grows whenever another owner has held the workspace in between, and never shrinks. */
  readonly token: number
  /** Since when this process has owned the workspace without a gap, ms since epoch; the time of the claim by default. */
  readonly sinceMs?: number
  /** Aborts when another process holds the workspace; undefined for a hold that can't be lost. */
  readonly lost: AbortSignal | undefined
  /** Gives the workspace back, after its log is closed. Idempotent. */
  release(): Promise<void>
}

const RELEASED = Promise.resolve()

/** One process owns every workspace from its start on. All holds are one object: an idle room costs none. */
export function alwaysMine(startedAtMs = Date.now()): Ownership {
  const held: Hold = { token: 1, sinceMs: startedAtMs, lost: undefined, release: () => RELEASED }
  const claim = Promise.resolve({ held })
  return { claim: () => claim }
}
