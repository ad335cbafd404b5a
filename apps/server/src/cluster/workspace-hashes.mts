import { createHash } from 'node:crypto'
import { workspaceHash } from '@joinery/api'
import type { ClusterOwnership } from '@joinery/cluster'
import type { WorkspaceId } from '@joinery/protocol'

/** Workspaces without an owner that are remembered: a worker may tell the end of a step while its workspace moves. */
const FORMER_MAX = 10_000

/** Finds the workspaces that some node owns, or has owned lately, by the hash which tokens and URLs say. */
export class WorkspaceHashes {
  readonly #owned = new Map<string, WorkspaceId>()
  readonly #former = new Map<string, WorkspaceId>()
  readonly #stop: () => void

  constructor(ownership: Pick<ClusterOwnership, 'owners' | 'onChange'>) {
    for (const [workspace] of ownership.owners()) this.#note(workspace, true)
    this.#stop = ownership.onChange((workspace, owner) => this.#note(workspace, owner !== undefined))
  }

  find(hash: string): WorkspaceId | undefined {
    return this.#owned.get(hash) ?? this.#former.get(hash)
  }

  /** Remembers a workspace that another node has told of: news of its owner may be on the way. */
  readonly note = (workspace: string): void => {
    if (!this.#owned.has(hashOf(workspace))) this.#note(workspace, false)
  }

  close(): void {
    this.#stop()
  }

  #note(workspace: string, isOwned: boolean): void {
    const hash = hashOf(workspace)
    this.#former.delete(hash)
    if (isOwned) return void this.#owned.set(hash, workspace as WorkspaceId)
    this.#owned.delete(hash)
    this.#former.set(hash, workspace as WorkspaceId)
    const [oldest] = this.#former.keys()
    if (this.#former.size > FORMER_MAX && oldest !== undefined) this.#former.delete(oldest)
  }
}

function hashOf(workspace: string): string {
  return workspaceHash(createHash('sha256').update(workspace).digest('hex'))
}
