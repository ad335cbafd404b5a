import { setTimeout as wait } from 'node:timers/promises'
import { LogError, type WorkspaceLog } from '@joinery/log'
import type { Logger } from 'pino'
import { type DocumentMemory, memoryFull } from '../content/document-memory.ts'
import type { Refusal } from '../content/document-rules.ts'
import { EMPTY_UPDATE } from '../content/empty-update.ts'
import { mayInclude } from '../content/known-already.ts'
import { KnownComparison } from '../content/known-comparison.ts'
import { structsIn } from '../content/live-memory.ts'
import type { LoadTurns } from '../content/load-turns.ts'
import { isHeavy } from '../content/trials/heavy-update.ts'
import { TrialError } from '../content/trials/trial-error.ts'
import type { Trials } from '../content/trials/trials.ts'
import type { TriedUnits } from '../content/trials/tried-units.ts'
import { type Fit, tryUpdate } from '../content/trials/try-update.ts'
import type { Counters } from '../counters.ts'
import type { Ledger } from '../ledger.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import type { Member } from './member.ts'
import { mayBeTried } from './member-updates.ts'
import { giveUpOn, refusalOfSpoiler, refuseUpdate } from './refused-update.ts'
import type { RoomVisit } from './room-visit.ts'

/** Times that an update is tried when the document has changed too much meanwhile. */
const ATTEMPTS_MAX = 3
/**
 * Structs that came to the document since the trial, times those of the update: what may have become more expensive. So many
 * steps take a tenth of a second.
 */
const CHANGED_STEPS_MAX = 500_000

export interface HeavyUpdatesContext {
  readonly limits: ServerLimits
  readonly logger: Logger
  readonly counters: Counters
  readonly trials: Trials
  readonly loadTurns: LoadTurns
  readonly memory: DocumentMemory
  readonly ledger: Ledger
}

/** The part of a room that heavy updates need. */
export interface HeavyRoom {
  readonly workspace: string
  visit<T>(payer: string | undefined, use: (visit: RoomVisit) => T | Promise<T>): Promise<T>
  /** Takes the updates of a member that waited, at the end of this tick. */
  takeAgain(member: Member): void
}

/** The sender of an update, as the log names it, and the principal whose trials wait for each other. */
interface Sender {
  readonly principal: string
  readonly actor: string
  readonly connection?: string
}

/** How an update came through its trial. */
interface Tried {
  readonly fit: Fit
  /** Structs of the document that the trial began with. */
  readonly structs: number
}

/**
 * Has heavy updates of a room's members tried in a worker thread, one after the other, and takes those that fit. Everybody else
 * goes on meanwhile, and the member's later updates wait behind.
 */
export class HeavyUpdates {
  readonly #room: HeavyRoom
  readonly #context: HeavyUpdatesContext
  readonly #waiting: Member[] = []
  #running: Promise<void> | undefined

  constructor(room: HeavyRoom, context: HeavyUpdatesContext) {
    this.#room = room
    this.#context = context
  }

  /** Resolves when no update waits; undefined when none does. */
  get settled(): Promise<void> | undefined {
    return this.#running
  }

  /** Has the first update in a member's inbox tried. */
  add(member: Member): void {
    this.#waiting.push(member)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /**
   * Tries an update that is one record, and so is taken in one turn. Resolves with the refusal of one that does not fit. Rejects with
   * `too_slow` when too much waits to be tried, and with the storage error.
   */
  async tryWhole(principal: string, update: Uint8Array): Promise<Refusal | undefined> {
    try {
      await this.#try({ principal, actor: principal }, update, true)
      return undefined
    } catch (error) {
      const refusal = refusalOfTrial(error)
      if (refusal !== undefined) this.#context.counters.trialsRefused++
      else if (error instanceof TrialError) throw tooManyWait(error)
      if (refusal === undefined) throw error
      return refusal
    }
  }

  /**
   * Compares an update that is one record with the document, in turns that its sender pays for. Resolves with the update, or with an empty one
   * if the document has all of it: a document only grows, so that the record would be empty later, too.
   */
  async withoutKnown(principal: string, update: Uint8Array): Promise<Uint8Array> {
    const { ledger, loadTurns, limits } = this.#context
    const payer = { principal, workspace: this.#room.workspace }
    const comparison = new KnownComparison(update)
    for (;;) {
      const isKnown = await this.#room.visit(principal, ({ document: { doc } }) => {
        if (!mayInclude(doc, update)) return false
        const sinceMs = performance.now()
        const known = comparison.compare(doc, () => performance.now() - sinceMs >= limits.trialTurnMs)
        ledger.book(payer, sinceMs)
        return known
      })
      if (isKnown !== undefined) return isKnown ? EMPTY_UPDATE : update
      await wait(ledger.restOf(payer))
      await loadTurns.pause()
    }
  }

  async #run(): Promise<void> {
    for (let member = this.#waiting.shift(); member !== undefined; member = this.#waiting.shift()) {
      try {
        await this.#settle(member)
      } catch (error) {
        this.#refuse(member, error)
      }
      this.#room.takeAgain(member)
      member.endTrial()
    }
  }

  async #settle(member: Member): Promise<void> {
    const update = member.inbox?.updates[0]
    if (update === undefined) return
    if (await this.#isKnown(member, update)) return
    if (member.inbox === undefined) return
    if (!mayBeTried(member, member.inbox, update)) {
      member.compared = update
      return
    }
    if (this.#context.memory.isFull) throw memoryFull()
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { principal, id: connection, identity } = member
      const tried = await this.#try({ principal, connection, actor: identity.actor }, update, false)
      const isTaken = await this.#room.visit(principal, (visit) => this.#take(member, update, tried, visit))
      if (!isTaken) continue
      if (isTaken !== true) await this.#takeUnits(member, isTaken)
      return
    }
    throw new TrialError('busy', 'the document changed too much meanwhile')
  }

  /** Compares an update with the document in turns. One that brings nothing new is then taken. */
  async #isKnown(member: Member, update: Uint8Array): Promise<boolean> {
    const comparison = new KnownComparison(update)
    while (member.inbox !== undefined) {
      const isKnown = await this.#room.visit(member.principal, (visit) =>
        mayInclude(visit.document.doc, update) ? visit.compare(member, comparison) : false,
      )
      if (isKnown !== undefined) return isKnown
      await this.#rest(member)
    }
    return false
  }

  /** Resolves when a member may have its next turn. */
  async #rest({ restMs }: Member): Promise<void> {
    await wait(restMs)
    await this.#context.loadTurns.pause()
  }

  /** Tries an update, and once more if the thread ended for a reason that need not be the update's. */
  async #try(sender: Sender, update: Uint8Array, isWhole: boolean): Promise<Tried | undefined> {
    try {
      return await this.#tryOnce(sender, update, isWhole)
    } catch (error) {
      if (!(error instanceof TrialError) || error.code !== 'died') throw error
      return await this.#tryOnce(sender, update, isWhole)
    }
  }

  async #tryOnce({ principal, ...about }: Sender, update: Uint8Array, isWhole: boolean): Promise<Tried | undefined> {
    const { trials, counters, limits, logger } = this.#context
    const startMs = performance.now()
    counters.trials++
    try {
      return await trials.run(principal, async (document) => {
        let structs = 0
        const log = await this.#room.visit(principal, ({ document: { doc }, log }): WorkspaceLog => {
          structs = structsIn(doc)
          return log
        })
        return { fit: await tryUpdate(document, log, update, limits, isWhole), structs }
      })
    } catch (error) {
      // The rules, or Yjs in the room, say what is wrong with it.
      if (error instanceof TrialError && error.code === 'unreadable') return undefined
      throw error
    } finally {
      const ms = Math.round(performance.now() - startMs)
      logger.info({ workspace: this.#room.workspace, ...about, bytes: update.length, ms }, 'an update was tried')
    }
  }

  /** Takes an update after its trial: at once, or its units when it takes longer than a turn. False when it has to be tried again. */
  #take(member: Member, update: Uint8Array, tried: Tried | undefined, visit: RoomVisit): boolean | TriedUnits {
    if (tried !== undefined) {
      const { structs, cpuMs, parts } = tried.fit
      const { limits } = this.#context
      if ((structsIn(visit.document.doc) - tried.structs) * structs > CHANGED_STEPS_MAX) return false
      // To inspect many structs takes longer than a turn, too. A refused update is in the inbox no more.
      if (cpuMs > limits.trialTurnMs || isHeavy(update, limits)) return visit.beginUnits(member, parts) ?? true
    }
    member.tried = update
    return true
  }

  async #takeUnits(member: Member, units: TriedUnits): Promise<void> {
    while (!units.isDone) {
      const isTaken = await this.#room.visit(member.principal, (visit) => visit.takeUnits(member, units))
      if (!isTaken) return
      await this.#rest(member)
    }
  }

  #refuse(member: Member, error: unknown): void {
    const { inbox } = member
    if (inbox === undefined) return
    const frame = inbox.through - inbox.updates.length + 1
    const refusal = refusalOfTrial(error) ?? refusalOfSpoiler(error)
    if (refusal !== undefined) {
      member.takeInbox()
      this.#context.counters.trialsRefused++
      return refuseUpdate(member, frame, refusal, this.#context)
    }
    // While storage fails the room drops the updates, and asks for them when it works again.
    if (error instanceof LogError && error.code !== 'fenced') return
    member.takeInbox()
    if (error instanceof TrialError)
      return member.refuse(new ServerError('too_slow', `${error.message}: connect again`))
    if (error instanceof ServerError) return member.refuse(error)
    this.#context.logger.error({ workspace: this.#room.workspace, err: error }, 'an update could not be tried')
    giveUpOn(member)
  }
}

/** The refusal of an update that does not fit; undefined when that is not what the error says. */
export function refusalOfTrial(error: unknown): Refusal | undefined {
  if (!(error instanceof TrialError) || error.code === 'busy') return undefined
  const reason = `the update was tried and costs too much: ${error.message}. Send the edits in smaller updates, and write long lists from their beginning to their end`
  return { code: 'too_costly', reason }
}

function tooManyWait({ message }: TrialError): ServerError {
  return new ServerError('too_slow', `the update has to be tried first, and ${message}: send it again in a moment`)
}
