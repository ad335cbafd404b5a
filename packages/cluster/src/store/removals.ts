import {
  type AdoptingStore,
  checkWorkspaceName,
  isSystemLog,
  LogError,
  type PurgeOptions,
  workspaceOfSystemLog,
} from '@joinery/log'
import type { Hold } from '@joinery/server'
import { factsOf, isDeletion } from '../history/message.ts'
import { beginPurge, endHistory, removePurged } from '../history/purge.ts'
import { type LongerCopies, takeOver } from '../history/takeover.ts'
import { nameOfEngineName } from '../nodes/names.ts'
import { blankCopy } from './local-copy.ts'
import type { Purges } from './purges.ts'
import { locked, storeErrorOf } from './store-errors.ts'
import type { Takeovers } from './takeovers.ts'

/** The parts of a store that deleting and purging need. */
export interface RemovalsHost {
  readonly store: {
    readonly local: AdoptingStore
    readonly owned: ReadonlyMap<string, { readonly isFenced: boolean }>
    inTurn<T>(name: string, work: () => Promise<T>): Promise<T>
  }
  readonly purges: Purges
  readonly others: Pick<LongerCopies, 'purgedOf'> | undefined
  readonly takeovers: Takeovers
  claim(workspace: string): Promise<Hold>
}

/** Deletes, undeletes and purges workspaces that this node owns, on all nodes. */
export class Removals {
  readonly #host: RemovalsHost

  constructor(host: RemovalsHost) {
    this.#host = host
  }

  /** As `EventStore.tombstone`, on all nodes. Rejects with `not_owner` where another node has the workspace. */
  tombstone(workspace: string): Promise<void> {
    const { store, takeovers } = this.#host
    return this.#alone(workspace, async (hold) => {
      const last = await takeovers.atDesk(workspace, hold, ({ log, subject }) => log.last(subject))
      const facts = last && factsOf(workspace, last)
      if (facts?.generation === undefined && (await store.local.generationOf(workspace)) === undefined) {
        throw new LogError('invalid', `workspace ${workspace} does not exist`, { workspace })
      }
      if (isDeletion(facts?.kind)) return await store.local.tombstone(workspace)
      await takeovers.whileTaken(workspace, hold, {}, async ({ republished, publisher }, keepMark) => {
        await republished
        await publisher.tombstone()
        await keepMark()
      })
      await store.local.tombstone(workspace)
    })
  }

  /** As `EventStore.undelete`, on all nodes. Rejects with `not_owner` where another node has the workspace. */
  undelete(workspace: string): Promise<void> {
    const { store, takeovers } = this.#host
    const { local } = store
    return this.#alone(workspace, async (hold) => {
      const last = await takeovers.atDesk(workspace, hold, ({ log, subject }) => log.last(subject))
      if (last !== undefined && factsOf(workspace, last).kind === 'purging') {
        const message = `workspace ${workspace} is being purged, which can't be taken back: purge it again to complete that`
        throw new LogError('deleted', message, { workspace })
      }
      await local.undelete(workspace)
      try {
        await takeovers.whileTaken(workspace, hold, { revives: true }, async () => undefined)
      } catch (error) {
        // The history still says that it is deleted.
        await local.tombstone(workspace).catch(() => undefined)
        throw error
      }
      takeovers.tellUndeleted(workspace)
    })
  }

  /**
   * Says again that a workspace is deleted, to an engine that has lost all of its history. The records follow when it is undeleted. Does
   * nothing if the engine has anything of it. A copy that was purged is discarded instead.
   */
  async republishTombstone(workspace: string): Promise<void> {
    const { store, claim, takeovers, others, purges } = this.#host
    const hold = await claim(workspace)
    try {
      await store.inTurn(workspace, async () => {
        const generation = await store.local.generationOf(workspace)
        const purged = (await others?.purgedOf(workspace)) ?? new Set(purges.of(workspace))
        if (generation !== undefined && purged.has(generation)) return await takeovers.discardPurged(workspace)
        await takeovers.atDesk(workspace, hold, async (desk) => {
          if ((await desk.log.last(desk.subject)) !== undefined) return
          const { publisher } = await takeOver({ ...desk, local: blankCopy() })
          await publisher.tombstone(generation)
          publisher.stop()
        })
      })
    } catch (error) {
      throw storeErrorOf(error, workspace)
    } finally {
      await hold.release().catch(() => undefined)
    }
  }

  /**
   * As `EventStore.purge`, on all nodes, those that are away included: each discards its copy when it reads of it. Rejects with `not_owner`
   * where another node has the workspace, and with `unsupported` if a living node could not read of it.
   */
  async purge(workspace: string, { beside }: PurgeOptions = {}): Promise<void> {
    const { store } = this.#host
    if (isSystemLog(workspace)) return await store.local.purge(workspace)
    return await this.#alone(workspace, (hold) => this.#purge(workspace, hold, beside))
  }

  async #purge(workspace: string, hold: Hold, beside: PurgeOptions['beside']): Promise<void> {
    const { store, purges, takeovers } = this.#host
    const isKnownDeleted = (await Array.fromAsync(store.local.tombstones())).includes(workspace)
    const own = await store.local.generationOf(workspace)
    const begun = await takeovers.atDesk(workspace, hold, (desk) => beginPurge(desk, isKnownDeleted))
    if (begun === 'alive') throw notDeleted(workspace)
    if (begun === 'purged') {
      // Another node has done it, and this one has not heard of that yet.
      if (own === undefined || !isKnownDeleted) throw notDeleted(workspace)
      return await this.#remove(workspace, hold)
    }
    const belonging = await this.#belongingTo(workspace, hold)
    const generations = [...belonging.values(), begun.generation, isKnownDeleted ? own : undefined]
    const purged = new Set(generations.flatMap((generation) => generation ?? []))
    // Before anything is gone: a node that comes back later learns from it that its copy is nobody's any more.
    await purges.note(workspace, [...purged])
    await beside?.()
    for (const [name] of belonging) {
      await store.inTurn(name, async () => {
        if (store.owned.get(name)?.isFenced === false) throw locked(name)
        await takeovers.atDesk(name, hold, (desk) =>
          endHistory(desk, ({ generation }) => generation === undefined || purged.has(generation)),
        )
        await this.#remove(name, hold)
      })
    }
    // Its name is free from then on.
    await takeovers.atDesk(workspace, hold, (desk) => endHistory(desk, ({ kind }) => kind === 'purging'))
    await this.#remove(workspace, hold)
  }

  async #remove(name: string, hold: Hold): Promise<void> {
    const { takeovers } = this.#host
    await takeovers.atDesk(name, hold, removePurged)
    await takeovers.discardCopy(name)
  }

  /** The system logs of a workspace that the engine or this node has, and their generations. */
  async #belongingTo(workspace: string, hold: Hold): Promise<Map<string, string | undefined>> {
    const { store, takeovers } = this.#host
    const names = new Set<string>()
    const subjects = await takeovers.atDesk(workspace, hold, ({ log }) => log.subjects())
    for (const name of subjects.map(nameOfEngineName)) if (workspaceOfSystemLog(name) === workspace) names.add(name)
    for (const kind of await takeovers.systemKinds()) {
      const name = `${kind}/${workspace}`
      if ((await store.local.generationOf(name)) !== undefined) names.add(name)
    }
    const found = new Map<string, string | undefined>()
    for (const name of names) {
      const last = await takeovers.atDesk(name, hold, ({ log, subject }) => log.last(subject))
      const facts = last && factsOf(name, last)
      found.set(name, facts?.generation ?? (await store.local.generationOf(name)))
    }
    return found
  }

  async #alone(workspace: string, work: (hold: Hold) => Promise<void>): Promise<void> {
    const { store, claim } = this.#host
    checkWorkspaceName(workspace)
    if (isSystemLog(workspace)) return await store.local.tombstone(workspace)
    const hold = await claim(workspace)
    try {
      await store.inTurn(workspace, async () => {
        if (store.owned.get(workspace)?.isFenced === false) throw locked(workspace)
        await work(hold)
      })
    } catch (error) {
      throw storeErrorOf(error, workspace)
    } finally {
      await hold.release().catch(() => undefined)
    }
  }
}

function notDeleted(workspace: string): LogError {
  return new LogError('invalid', `workspace ${workspace} is not deleted: delete it first`, { workspace })
}
