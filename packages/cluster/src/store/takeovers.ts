import {
  type AdoptingLog,
  type AdoptingStore,
  isSystemLog,
  kindOfSystemLog,
  LogError,
  type SteadyClock,
  systemLogOf,
  workspaceOfSystemLog,
} from '@joinery/log'
import type { Hold } from '@joinery/server'
import type { Engine } from '../engine/engine.ts'
import { type Desk, lastOf } from '../history/append-message.ts'
import { HistoryError } from '../history/history-error.ts'
import { factsOf, isDeletion, type LaterKind } from '../history/message.ts'
import { removePurged } from '../history/purge.ts'
import { type LongerCopies, type Takeover, type TakeoverOptions, takeOver } from '../history/takeover.ts'
import { engineNameOf } from '../nodes/names.ts'
import { localCopyOf } from './local-copy.ts'
import type { Purges } from './purges.ts'
import { Refusals } from './refusals.ts'
import { heldPurged } from './store-errors.ts'
import { within } from './within.ts'

/** Time after which opening a log gives up, if the engine does not answer, ms. */
const OPEN_MS = 10_000

/** The parts of a store that takeovers need. */
export interface TakeoversHost {
  readonly options: {
    readonly local: AdoptingStore
    readonly engine: Engine
    readonly clock: SteadyClock
    readonly node: string
    readonly session: string
    readonly others?: LongerCopies
    readonly purges: Pick<Purges, 'has'>
    readonly holdsPurged?: boolean
    assertReadable(workspace: string, kind: LaterKind): void
    readonly logger?: { info(details: object, message: string): void; error(details: object, message: string): void }
  }
  readonly counts: { takeovers: number; regressions: number }
  /** Opens this node's copy of a log. */
  openCopy(name: string): Promise<AdoptingLog>
  /** Fences this node's own log, if it is open. */
  fence(name: string): void
  /** Closes this node's own log, if it is open and fenced. */
  closeFenced(name: string): Promise<void>
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** Takes histories over for a node's store, and discards copies whose histories were purged. */
export class Takeovers {
  /** Called before the copy of a workspace is discarded that another node has purged. */
  readonly purgeListeners = new Set<(workspace: string) => Promise<void>>()
  /** Called when a deletion that this node had heard of was taken back. */
  readonly undeleteListeners = new Set<(workspace: string) => void>()
  readonly #host: TakeoversHost
  readonly #refusals: Refusals
  #isHoldingPurged: boolean
  /** Kinds of system logs that workspaces have. */
  #kinds: Promise<Set<string>> | undefined

  constructor(host: TakeoversHost) {
    this.#host = host
    this.#refusals = new Refusals(host.options.clock)
    this.#isHoldingPurged = host.options.holdsPurged === true
  }

  /** Where another node has owned the workspace, what this node alone has of its system logs is cut off. */
  async #cutTails(workspace: string, hold: Hold, previous: string | undefined): Promise<void> {
    if (previous === undefined || previous === this.#host.options.node) return
    for (const kind of await this.systemKinds()) {
      const name = systemLogOf(kind, workspace)
      await this.#host.inTurn(name, () => this.#cutTail(name, hold))
    }
  }

  async #cutTail(name: string, hold: Hold): Promise<void> {
    // It was opened before the other node's epoch, whose words came late: the part of the server that uses the log opens it anew.
    this.#host.fence(name)
    const copy = await this.#host.openCopy(name)
    const mark = await copy.readMark().finally(() => copy.close())
    const hasTail = copy.head > (mark?.lsn ?? 0)
    if (!hasTail) return
    await this.whileTaken(name, hold, { tail: 'cut' }, async () => undefined)
  }

  systemKinds(): Promise<Set<string>> {
    this.#kinds ??= (async () => {
      const kinds = new Set<string>()
      for await (const name of this.#host.options.local.systemLogs()) {
        if (workspaceOfSystemLog(name) !== undefined) kinds.add(kindOfSystemLog(name))
      }
      return kinds
    })()
    return this.#kinds
  }

  takeOver(name: string, hold: Hold, how: Pick<TakeoverOptions, 'tail' | 'revives'> = {}) {
    return this.#refusals.attempt(name, () => this.unlessPurged(name, () => this.#takeOverCopy(name, hold, how)))
  }

  async #takeOverCopy(name: string, hold: Hold, how: Pick<TakeoverOptions, 'tail' | 'revives'>) {
    const { logger, others } = this.#host.options
    if (isSystemLog(name)) void this.systemKinds().then((kinds) => kinds.add(kindOfSystemLog(name)))
    const inner = await this.#openCopy(name, hold)
    try {
      const local = await localCopyOf(inner)
      const taken = await this.atDesk(name, hold, (desk) =>
        takeOver({
          ...desk,
          local,
          ...how,
          ...(others && { others }),
          ...(!isSystemLog(name) && { beforeEpoch: (previous) => this.#cutTails(name, hold, previous) }),
        }),
      )
      this.#host.counts.takeovers++
      if (taken.regressed !== undefined) {
        this.#host.counts.regressions++
        const details = { workspace: name, ...taken.regressed }
        logger?.error(details, 'the engine has lost records that it had acknowledged: this node publishes them again')
      }
      return { inner, taken }
    } catch (error) {
      await inner.close()
      throw error
    }
  }

  /** Opens this node's copy, also if it is deleted here alone: the node may not have heard yet that its history goes on. */
  async #openCopy(name: string, hold: Hold): Promise<AdoptingLog> {
    try {
      return await this.#host.openCopy(name)
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'deleted') throw error
      const last = await this.atDesk(name, hold, lastOf)
      const kind = last && factsOf(name, last).kind
      if (kind === undefined || isDeletion(kind)) throw error
      await this.revive(name, kind)
      return await this.#host.openCopy(name)
    }
  }

  /**
   * Has the copy of a log that is deleted here agree with its history, which goes on behind the deletion: takes the deletion back, or
   * discards the copy if it was purged. `kind` is that of the last message.
   */
  async revive(name: string, kind: string | undefined): Promise<void> {
    const { local, purges } = this.#host.options
    const generation = await local.generationOf(name)
    const isPurged = generation !== undefined && purges.has(name, generation)
    if (isPurged || kind === 'purge') return await this.discardPurged(name)
    try {
      await local.undelete(name)
    } catch (error) {
      // A discard of it was cut short.
      if (!(error instanceof LogError) || error.code !== 'deleted') throw error
      return await this.discardPurged(name)
    }
    this.tellUndeleted(name)
  }

  tellUndeleted(name: string): void {
    if (!isSystemLog(name)) for (const listener of this.undeleteListeners) listener(name)
  }

  /** Does `work` on a history, which gives up when the engine does not answer for long or the hold is lost. */
  async atDesk<T>(name: string, hold: Hold, work: (desk: Desk) => Promise<T>): Promise<T> {
    const { engine, clock, node, session } = this.#host.options
    const assertReadable = (kind: LaterKind): void => this.#host.options.assertReadable(name, kind)
    const stop = new AbortController()
    const cancel = clock.after(OPEN_MS, () => stop.abort(late(name)))
    const onLost = (): void => stop.abort(new LogError('fenced', `another node has ${name} now`, { workspace: name }))
    hold.lost?.addEventListener('abort', onLost)
    try {
      const place = { log: engine.log, workspace: name, subject: engineNameOf(name) }
      return await work({ ...place, clock, node, session, assertReadable, signal: stop.signal })
    } finally {
      cancel()
      hold.lost?.removeEventListener('abort', onLost)
    }
  }

  /**
   * Resolves when the history has all that this node alone had of a log. Rejects with the error of its publisher, and when the engine
   * takes nothing of it for as long as an answer is waited for.
   */
  async untilRepublished(name: string, { republished, publisher }: Takeover): Promise<void> {
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    republished.then(end, end)
    for (let before = -1; !isOver && before < publisher.position.sequence; ) {
      before = publisher.position.sequence
      await within(this.#host.options.clock, OPEN_MS, republished)
    }
    if (!isOver) throw late(name)
    await republished
  }

  async whileTaken(
    name: string,
    hold: Hold,
    how: Pick<TakeoverOptions, 'tail' | 'revives'>,
    work: (taken: Takeover, keepMark: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { inner, taken } = await this.takeOver(name, hold, how)
    try {
      await work(taken, () => inner.adopt([], taken.publisher.position))
    } finally {
      taken.publisher.stop()
      await inner.close()
    }
  }

  /** Does `work` on this node's copy, which is closed again. A copy whose history was purged is discarded, and it is done anew. */
  async unlessPurged<T>(name: string, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof HistoryError) || error.code !== 'purged') throw error
      }
      await this.discardPurged(name)
    }
  }

  /** Discards a copy whose history was purged. The owner that has purged it may have died before it could remove the messages. */
  async discardPurged(name: string): Promise<void> {
    const { engine, clock } = this.#host.options
    await removePurged({ log: engine.log, workspace: name, subject: engineNameOf(name), clock })
    if (this.#isHoldingPurged && !isSystemLog(name)) throw heldPurged(name)
    if (!isSystemLog(name)) for (const listener of this.purgeListeners) await listener(name)
    await this.discardCopy(name)
  }

  /** Has copies of purged workspaces discarded from now on, if they were held. */
  releasePurged(): void {
    this.#isHoldingPurged = false
  }

  /** Removes this node's copy of a log. */
  async discardCopy(name: string): Promise<void> {
    await this.#host.closeFenced(name)
    if ((await this.#host.options.local.generationOf(name)) === undefined) return
    await this.#host.options.local.discard(name)
    this.#host.options.logger?.info({ workspace: name }, 'this node’s copy of a log was discarded, since it was purged')
  }
}

function late(name: string): LogError {
  return new LogError('storage_failed', `the engine did not answer for ${OPEN_MS} ms`, { workspace: name })
}
