import type { Workspace } from '../workspace.ts'

/** Presence tells the others at most this often, ms. */
const PRESENCE_MS = 1_000

export interface TransferAmounts {
  /** Id of the upload, which is the id of its run. */
  readonly id: string
  readonly name: string
  readonly sent: number
  readonly bytes: number
}

/** Shows everybody how far an upload is: live, by presence. The server tells those who come later. */
export class ShownProgress {
  readonly #workspace: Workspace
  readonly #block: string
  #key: string | undefined
  #presentAtMs = Number.NEGATIVE_INFINITY

  constructor(workspace: Workspace, block: string) {
    this.#workspace = workspace
    this.#block = block
  }

  tell({ id, name, sent, bytes }: TransferAmounts): void {
    const nowMs = performance.now()
    if (nowMs - this.#presentAtMs < PRESENCE_MS) return
    this.#presentAtMs = nowMs
    this.#key = `${this.#block}/file@1/${name}`
    this.#workspace.presence.setProgress(this.#key, { run: id, done: sent, total: bytes })
  }

  /** Takes the live progress away. */
  end(): void {
    if (this.#key !== undefined) this.#workspace.presence.setProgress(this.#key, undefined)
  }
}
