import { encodeLogOrigin, encodePortableRecord, type SteadyClock } from '@joinery/log'
import type { EngineMessage } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { catchUp, type Place } from './catch-up.ts'
import { HistoryError } from './history-error.ts'
import { epochBody, factsOf, messageOf } from './message.ts'
import { type Position, positionOf, START } from './position.ts'
import { Publisher } from './publisher.ts'
import type { ReplicaLog } from './replica-log.ts'

export interface TakeoverOptions extends Place {
  readonly clock: SteadyClock
  readonly node: string
  readonly session: string
  /** Whether records that this node alone has are published, which is the default, or cut off: they are gone then. */
  readonly tail?: 'publish' | 'cut'
  /** True if a deleted workspace is taken over all the same, which takes the deletion back. By default that is `deleted`. */
  readonly revives?: boolean
  /**
   * Called with the node that owned it last, or undefined if that was this run, before the own epoch is written. If it rejects, so does
   * the takeover, and nothing is written: the next attempt sees the same node. After the epoch it would see this one.
   */
  readonly beforeEpoch?: (previous: string | undefined) => Promise<void>
  /** Ends the attempt: rejects with its reason. */
  readonly signal?: AbortSignal
  /** The copies of other nodes. By default nobody is asked for one. */
  readonly others?: LongerCopies
}

/** Copies that may have what an engine has lost. */
export interface LongerCopies {
  /**
   * Looks for a copy with acknowledged records after `end`, the last one that the engine has. Resolves with what appends them to this
   * node's copy, and with undefined if there is none.
   */
  longerThan(workspace: string, end: number): Promise<((local: ReplicaLog) => Promise<void>) | undefined>
}

export interface Takeover {
  /** Writes the history from now on. */
  readonly publisher: Publisher
  readonly epoch: number
  /** Resolves when the records that this node alone had are replicated, if there were any. */
  readonly republished: Promise<void>
  /** LSNs that the engine had acknowledged and has lost; this node publishes them again. */
  readonly regressed: { readonly first: number; readonly last: number } | undefined
}

const WAIT_MS = 100

/**
 * Makes this node the owner of a workspace. From the moment in which the engine has the new epoch, the owner before can
 * write nothing. Afterwards the node's copy has all that the engine has, and what it alone has is published. Rejects with
 * `diverged`, `corrupted` or `unknown_format`; the workspace must not be served then.
 */
export async function takeOver(options: TakeoverOptions): Promise<Takeover> {
  const wait = (): Promise<void> => pause(options)
  let begun = await beginEpoch(options)
  const { clock, log, node, session, subject, workspace, local, others } = options
  const bring = await others?.longerThan(workspace, begun.before.lsn)
  const isSetBack = await isBehind(options, begun.before, wait)
  // All others hear of it, too: they may have records that the engine has lost.
  const isLoss = isSetBack || bring !== undefined
  if (isLoss) {
    const behind = await appendEpoch(options, begun.position, true)
    // It proves the loss. Otherwise another owner has written meanwhile, and a copy may be longer by that alone.
    if (behind === undefined) return await takeOver(options)
    begun = behind
  }
  await untilAnswered(options, () => catchUp(options, { until: { through: begun.own.id, wait }, isSetBack }))
  await bring?.(local)
  const { mark, floor } = local
  const publisher = new Publisher({ clock, log, node, session, subject, workspace, position: mark })
  if (options.tail === 'cut') await local.truncate(Math.max(mark.lsn, floor))
  const regressed = isLoss && floor > mark.lsn ? { first: mark.lsn + 1, last: floor } : undefined
  return { publisher, epoch: begun.position.epoch, ...(await publishTail(publisher, local)), regressed }
}

/** The message of an epoch that a takeover has begun, its position, and the one before it. */
interface Begun {
  readonly own: EngineMessage
  readonly before: Position
  readonly position: Position
}

/** Writes the record of the epoch at the end of the history, whatever comes in between. */
async function beginEpoch(options: TakeoverOptions): Promise<Begun> {
  const { log, subject, workspace, session, beforeEpoch } = options
  let previous: string | undefined
  for (;;) {
    const last = await untilAnswered(options, () => log.last(subject))
    const facts = last && factsOf(workspace, last)
    // An earlier attempt of this takeover may have succeeded unseen.
    if (facts?.session !== session) previous = facts?.node
    if (last !== undefined && options.revives !== true && facts?.kind === 'tombstone') {
      throw new HistoryError('deleted', workspace, last.sequence, 'it says that the workspace is deleted')
    }
    await beforeEpoch?.(previous)
    const begun = await appendEpoch(options, last === undefined ? START : positionOf(workspace, last))
    if (begun !== undefined) return begun
    await pause(options)
  }
}

/** Writes the record of an epoch directly behind a position. Resolves with undefined if that is not the end of the history. */
async function appendEpoch(options: TakeoverOptions, before: Position, isSetBack = false): Promise<Begun | undefined> {
  const { log, subject, workspace, node, session } = options
  const { lsn, generation, chain } = before
  const epoch = before.epoch + 1
  const facts = { kind: 'epoch', epoch, node, session, first: lsn + 1, last: lsn, generation } as const
  // Each attempt of each takeover is another message: the engine takes a repeat for done, also where another epoch follows it.
  const own = messageOf(workspace, chain, facts, epochBody(isSetBack))
  const appended = await untilAnswered(options, async () => {
    const result = await log.append(subject, own, before.sequence)
    if (result !== 'refused') return result
    // Its first try may have succeeded, and a lost answer made it look refused.
    const last = await log.last(subject)
    return last?.id === own.id ? last : 'refused'
  })
  if (appended === 'refused') return undefined
  return { own, before, position: positionOf(workspace, { ...own, sequence: appended.sequence }) }
}

/** True if the engine has lost what it had acknowledged to this node. `before` is the end that the own epoch follows. */
async function isBehind(options: TakeoverOptions, before: Position, wait: () => Promise<void>): Promise<boolean> {
  // A log of a single machine is no loss of an engine that has nothing of it.
  if (before.sequence > 0 && before.lsn < options.local.floor) return true
  return !(await hasMark(options, before, wait))
}

/** True if the engine still has the message at this node's mark. `before` is the end that the own epoch follows. */
async function hasMark(options: TakeoverOptions, before: Position, wait: () => Promise<void>): Promise<boolean> {
  const { log, subject, workspace, local } = options
  const { sequence, chain } = local.mark
  if (sequence === 0) return true
  if (before.sequence < sequence) return false
  for (;;) {
    const [found] = await untilAnswered(options, () => log.read(subject, sequence - 1, 1))
    if (found !== undefined) return found.sequence === sequence && factsOf(workspace, found).chain === chain
    await wait()
  }
}

/** Has the records that only this node has published before all others. */
async function publishTail(publisher: Publisher, local: ReplicaLog): Promise<Pick<Takeover, 'republished'>> {
  const published: Promise<void>[] = []
  const { generation, head, mark } = local
  if (generation !== undefined && head > mark.lsn) {
    if (mark.lsn > 0 && mark.lsn < local.firstLsn - 1) throw droppedTail(publisher.workspace, local)
    const origin = mark.lsn === 0 ? await local.readOrigin() : undefined
    let begin = origin && (await encodeLogOrigin(origin))
    for await (const record of local.read(origin?.lsn ?? mark.lsn)) {
      const publishing =
        begin === undefined
          ? publisher.publish(record, generation)
          : publisher.publishOrigin(begin, { lsn: record.lsn, bytes: encodePortableRecord(record) }, generation)
      published.push(publishing)
      begin = undefined
    }
  }
  const republished = Promise.all(published).then(() => undefined)
  // A publisher that is fenced tells it by its own signal, too.
  republished.catch(() => undefined)
  return { republished }
}

function droppedTail(workspace: string, { mark, firstLsn }: ReplicaLog): HistoryError {
  const lost = `the engine has no records after ${mark.lsn}, and this node has dropped those before ${firstLsn}`
  return new HistoryError('regressed', workspace, mark.sequence, `${lost}: open the workspace on a node that has them`)
}

/** Makes a call again while the engine does not answer. */
async function untilAnswered<T>(options: TakeoverOptions, call: () => Promise<T>): Promise<T> {
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'invalid') throw error
    }
    await pause(options)
  }
}

function pause({ clock }: TakeoverOptions): Promise<void> {
  return new Promise((resolve) => void clock.after(WAIT_MS, resolve))
}
