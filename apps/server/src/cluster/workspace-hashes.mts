import { createHash } from 'node:crypto'
import { workspaceHash } from '@joinery/api'
import type { ClusterOwnership } from '@joinery/cluster'
import type { WorkspaceId } from '@joinery/protocol'

/** Finds the workspaces that some node owns by the hash which tokens and URLs say. */
export class WorkspaceHashes {
  readonly #names = new Map<string, WorkspaceId>()
  readonly #stop: () => void

  constructor(ownership: Pick<ClusterOwnership, 'owners' | 'onChange'>) {
    for (const [workspace] of ownership.owners()) this.#note(workspace, true)
    this.#stop = ownership.onChange((workspace, owner) => this.#note(workspace, owner !== undefined))
  }

  find(hash: string): WorkspaceId | undefined {
    return this.#names.get(hash)
  }

  close(): void {
    this.#stop()
  }

  #note(workspace: string, isOwned: boolean): void {
    const hash = workspaceHash(createHash('sha256').update(workspace).digest('hex'))
    if (isOwned) this.#names.set(hash, workspace as WorkspaceId)
    else this.#names.delete(hash)
  }
}
