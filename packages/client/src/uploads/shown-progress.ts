import type { Workspace } from '../workspace.ts'

/** Presence tells the others at most this often, ms. */
const PRESENCE_MS = 1_000
/** The document tells at most this often, ms, and only a tenth of the file later: it keeps what it is told. */
const CLAIM_MS = 5_000
const CLAIM_SHARE = 0.1

export interface TransferAmounts {
  /** Id of the upload, which is the id of its run. */
  readonly id: string
  readonly name: string
  readonly sent: number
  readonly bytes: number
  readonly arrived: number
}

/** Shows everybody how far an upload is: live by presence, and now and then as a status for those who come later. */
export class ShownProgress {
  readonly #workspace: Workspace
  readonly #block: string
  #key: string | undefined
  #presentAtMs = Number.NEGATIVE_INFINITY
  #claimedAtMs = Number.NEGATIVE_INFINITY
  #claimed = 0

  constructor(workspace: Workspace, block: string) {
    this.#workspace = workspace
    this.#block = block
  }

  tell(amounts: TransferAmounts): void {
    const { id, name, sent, bytes, arrived } = amounts
    const nowMs = performance.now()
    if (nowMs - this.#presentAtMs >= PRESENCE_MS) {
      this.#presentAtMs = nowMs
      this.#key = `${this.#block}/file@1/${name}`
      this.#workspace.presence.setProgress(this.#key, { run: id, done: sent, total: bytes })
    }
    if (nowMs - this.#claimedAtMs < CLAIM_MS || arrived - this.#claimed < bytes * CLAIM_SHARE) return
    this.#claimedAtMs = nowMs
    this.#claimed = arrived
    this.#claim(amounts)
  }

  /** Takes the live progress away. */
  end(): void {
    if (this.#key !== undefined) this.#workspace.presence.setProgress(this.#key, undefined)
  }

  /** Reports on the run that the server has started, once it is here. */
  #claim({ id, name, arrived, bytes }: TransferAmounts): void {
    const { blocks, server, target } = this.#workspace
    const statuses = blocks.get(this.#block)?.statuses('file@1')
    if (statuses === undefined || statuses.isMismatched) return
    const entry = statuses.get(name)
    if (entry === undefined || entry.run.id !== id || entry.status !== 'syncing') return
    const actor = server.get()?.actor ?? target.actor ?? 'user'
    // Of two reports of one status on one run the actor's name decides. One that loses would show nobody anything, and tell everybody
    // of a conflict.
    if (actor < entry.actor) return
    const { task, detail } = entry
    statuses.report(name, entry.run, 'syncing', {
      source: 'user_action',
      actor,
      progress: arrived,
      total: bytes,
      ...(task !== undefined && { task }),
      ...(detail !== undefined && { detail }),
    })
  }
}
