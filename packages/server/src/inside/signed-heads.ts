import type { Clock, HeadSigner, SignedHead } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Workspaces } from './workspaces.ts'

/** Time that heads may take when the server ends, ms: their workspaces' next records make them due again. */
const STOP_MS = 5_000

/** A head that was signed and written down before. */
export type KnownHead = Pick<SignedHead, 'workspace' | 'generation' | 'lsn' | 'chain'>

/** Where signed heads are written down, and when. */
export interface HeadLog {
  /** The last head of each workspace that was written down. */
  readonly known: Iterable<KnownHead>
  /** Appends one head; resolves when it is on the disk. */
  append(head: SignedHead): Promise<void>
  /** A head is due after so many records of a workspace, and so long after its first record since the last head, ms. */
  readonly records: number
  readonly ms: number
}

export interface SignedHeadsOptions {
  readonly workspaces: Pick<Workspaces, 'chained' | 'listen'>
  readonly signer: HeadSigner
  readonly clock: Clock
  readonly logger: Logger
  /** Undefined if heads are only signed on request. */
  readonly log: HeadLog | undefined
}

interface Due {
  records: number
  cancel: () => void
}

/** Signs the heads of workspaces: on request, and for the heads' own log. */
export class SignedHeads {
  /** Heads that were signed, and written to the heads' log. */
  readonly counters = { signed: 0, logged: 0, contradictions: 0, failures: 0 }
  readonly #options: SignedHeadsOptions
  readonly #known = new Map<string, KnownHead>()
  /** Workspaces that have records since their last head in the log. */
  readonly #due = new Map<WorkspaceId, Due>()
  readonly #queue = new Set<WorkspaceId>()
  readonly #unsubscribe: () => void
  #running: Promise<void> | undefined
  #isClosed = false

  constructor(options: SignedHeadsOptions) {
    this.#options = options
    const { log, workspaces } = options
    for (const { workspace, generation, lsn, chain } of log?.known ?? []) {
      this.#known.set(workspace, { workspace, generation, lsn, chain })
    }
    this.#unsubscribe =
      log === undefined ? () => undefined : workspaces.listen((workspace) => this.#note(workspace, log))
  }

  /** The public key of the signatures, raw, as base64url. */
  get key(): string {
    return this.#options.signer.key
  }

  /**
   * Signs the head of a workspace as of now. Everything through it is on the disk then, in so far as the store has one. Undefined if
   * nothing was ever written in the workspace. Rejects as `Workspaces` does.
   */
  async of(workspace: WorkspaceId): Promise<SignedHead | undefined> {
    const { workspaces, signer, clock } = this.#options
    const position = await workspaces.chained(workspace)
    if (position === undefined) return undefined
    const { generation, lsn, chain } = position
    const head = signer.sign({ workspace, generation, lsn, chain, at: clock.now() })
    this.counters.signed++
    await this.#compare(head)
    return head
  }

  /**
   * Writes down the heads of all workspaces that have records since their last one, for 5 s at most, and signs no more heads by itself.
   * Resolves when that is done. The workspaces have to be open until then.
   */
  async close(): Promise<void> {
    this.#unsubscribe()
    const cancel = this.#options.clock.after(STOP_MS, () => {
      this.#isClosed = true
    })
    for (const workspace of [...this.#due.keys()]) this.#add(workspace)
    await this.#running
    cancel()
    this.#isClosed = true
  }

  #note(workspace: WorkspaceId, { records, ms }: HeadLog): void {
    let due = this.#due.get(workspace)
    if (due === undefined) {
      due = { records: 0, cancel: this.#options.clock.after(ms, () => this.#add(workspace)) }
      this.#due.set(workspace, due)
    }
    due.records++
    if (due.records >= records) this.#add(workspace)
  }

  #add(workspace: WorkspaceId): void {
    this.#due.get(workspace)?.cancel()
    this.#due.delete(workspace)
    this.#queue.add(workspace)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** One workspace at a time: each head costs reading the records since the last. */
  async #run(): Promise<void> {
    await Promise.resolve()
    for (const workspace of this.#queue) {
      this.#queue.delete(workspace)
      if (this.#isClosed) return
      await this.#log(workspace)
    }
  }

  async #log(workspace: WorkspaceId): Promise<void> {
    const { log, logger } = this.#options
    try {
      const head = await this.of(workspace)
      if (head === undefined) return
      await log?.append(head)
      this.counters.logged++
      this.#known.set(workspace, head)
    } catch (err) {
      // The next records of the workspace make a head due again.
      this.counters.failures++
      logger.error({ err, workspace }, 'a signed head could not be written to the log of heads')
    }
  }

  /** Says so when the history is not the one that an earlier head stands for: the data was set back, or changed. */
  async #compare(head: SignedHead): Promise<void> {
    const { workspaces, logger } = this.#options
    const { workspace, generation, lsn } = head
    const known = this.#known.get(workspace)
    // A repair, or a purge, has made another generation: the heads say so by themselves.
    if (known === undefined || known.generation !== generation) return
    const found = known.lsn > lsn ? undefined : await workspaces.chained(workspace as WorkspaceId, known.lsn)
    if (found?.chain === known.chain) return
    this.counters.contradictions++
    const reason = found === undefined ? `it ends at ${lsn}` : 'its records are others'
    logger.error(
      { workspace, generation, lsn, known: known.lsn },
      `the history of this workspace is not the one that the head at ${known.lsn} was signed for: ${reason}`,
    )
  }
}
