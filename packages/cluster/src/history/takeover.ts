import { encodeLogOrigin, encodePortableRecord } from '@joinery/log'
import { type Appended, appendBehind, type Desk, lastOf, pause, untilAnswered } from './append-message.ts'
import { catchUp, type Place } from './catch-up.ts'
import { HistoryError } from './history-error.ts'
import { epochBody, factsOf, isDeletion } from './message.ts'
import { type Position, positionOf, START } from './position.ts'
import { Publisher } from './publisher.ts'
import { removePurged } from './purge.ts'
import { ofPurged } from './purged-copy.ts'
import type { ReplicaLog } from './replica-log.ts'

export interface TakeoverOptions extends Place, Desk {
  /** Whether records that this node alone has are published, which is the default, or cut off: they are gone then. */
  readonly tail?: 'publish' | 'cut'
  /** True if a deleted workspace is taken over all the same, which takes the deletion back. By default that is `deleted`. */
  readonly revives?: boolean
  /**
   * Called with the node that owned it last, or undefined if that was this run, before the own epoch is written. If it rejects, so does
   * the takeover, and nothing is written: the next attempt sees the same node. After the epoch it would see this one.
   */
  readonly beforeEpoch?: (previous: string | undefined) => Promise<void>
  /** The copies of other nodes. By default nobody is asked for one. */
  readonly others?: LongerCopies
}

/** Copies that may have what an engine has lost. */
export interface LongerCopies {
  /**
   * Looks for a copy with acknowledged records after `end`, the last one that the engine has, and asks which generations of the log were
   * purged.
   */
  longerThan(workspace: string, end: number): Promise<FoundCopies>
  /** The generations of a log that were purged, as the engine and any living node know. */
  purgedOf(workspace: string): Promise<ReadonlySet<string>>
}

export interface FoundCopies {
  /** Appends the records of the longest copy to this node's own; undefined if none is longer than the engine's history. */
  readonly bring?: ((local: ReplicaLog) => Promise<void>) | undefined
  /** Generations that were purged, as the engine and the other nodes know. */
  readonly purged?: ReadonlySet<string>
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

/**
 * Makes this node the owner of a workspace. From the moment in which the engine has the new epoch, the owner before can
 * write nothing. Afterwards the node's copy has all that the engine has, and what it alone has is published. Rejects with
 * `diverged`, `corrupted` or `unknown_format`; the workspace must not be served then. Rejects with `purged` if the copy has to be discarded
 * before it is tried again.
 */
export async function takeOver(options: TakeoverOptions): Promise<Takeover> {
  const wait = (): Promise<void> => pause(options)
  let begun = await beginEpoch(options)
  const { clock, log, node, session, subject, workspace, local, others } = options
  const { lsn } = begun.before
  const { bring, purged } = (others && (await untilAnswered(options, () => others.longerThan(workspace, lsn)))) ?? {}
  const isPurged = (generation: string | undefined) => generation !== undefined && purged?.has(generation) === true
  if (isPurged(begun.before.generation)) {
    // The engine was set back to a history that had been purged.
    await appendBehind(options, begun.position, 'purge', epochBody(false))
    await removePurged(options)
    return await takeOver(options)
  }
  if (isPurged(local.generation)) throw ofPurged(workspace, 0)
  const isSetBack = await isBehind(options, begun, wait)
  // All others hear of it, too: they may have records that the engine has lost.
  const isLoss = isSetBack || bring !== undefined
  if (isLoss) {
    const behind = await beginBehind(options, begun.position, true)
    // It proves the loss. Otherwise another owner has written meanwhile, and a copy may be longer by that alone.
    if (behind === undefined) return await takeOver(options)
    begun = behind
  }
  const until = { through: begun.own.id, sequence: begun.position.sequence, wait }
  try {
    await untilAnswered(options, () => catchUp(options, { until, isSetBack }))
  } catch (error) {
    // Another node has purged the history since, and the own epoch is removed with it.
    if (!(error instanceof HistoryError) || error.code !== 'fenced') throw error
    return await takeOver(options)
  }
  await bring?.(local)
  const { mark, floor } = local
  const publisher = new Publisher({ clock, log, node, session, subject, workspace, position: mark })
  if (options.tail === 'cut') await local.truncate(Math.max(mark.lsn, floor))
  const regressed = isLoss && floor > mark.lsn ? { first: mark.lsn + 1, last: floor } : undefined
  return { publisher, epoch: begun.position.epoch, ...(await publishTail(publisher, local)), regressed }
}

/** The message of an epoch that a takeover has begun, its position, and the one before it. */
interface Begun extends Appended {
  readonly before: Position
}

/** Writes the record of the epoch at the end of the history, whatever comes in between. */
async function beginEpoch(options: TakeoverOptions): Promise<Begun> {
  const { workspace, session, beforeEpoch } = options
  let previous: string | undefined
  for (;;) {
    const last = await lastOf(options)
    const facts = last && factsOf(workspace, last)
    // An earlier attempt of this takeover may have succeeded unseen.
    if (facts?.session !== session) previous = facts?.node
    if (last !== undefined && isDeletion(facts?.kind)) {
      if (facts?.kind === 'purging') throw new HistoryError('deleted', workspace, last.sequence, PURGING)
      if (options.revives !== true)
        throw new HistoryError('deleted', workspace, last.sequence, 'it says that the workspace is deleted')
    }
    if (last !== undefined) await assertEndable(options, positionOf(workspace, last))
    await beforeEpoch?.(previous)
    const begun = await beginBehind(options, last === undefined ? START : positionOf(workspace, last))
    if (begun !== undefined) return begun
    await pause(options)
  }
}

/**
 * Rejects with `unsupported` where the takeover would end a history that was purged, and a living node could not read of it: each attempt
 * would leave its epoch there.
 */
async function assertEndable(options: TakeoverOptions, { generation }: Position): Promise<void> {
  const { others, workspace, assertReadable } = options
  if (others === undefined || generation === undefined) return
  try {
    assertReadable('purge')
  } catch (error) {
    const purged = await untilAnswered(options, () => others.purgedOf(workspace))
    if (purged.has(generation)) throw error
  }
}

const PURGING = 'it says that the workspace is being purged: purge it again to complete that'

/** Writes the record of an epoch directly behind a position. Resolves with undefined if that is not the end of the history. */
async function beginBehind(options: TakeoverOptions, before: Position, isSetBack = false): Promise<Begun | undefined> {
  // Each attempt of each takeover is another message: the engine takes a repeat for done, also where another epoch follows it.
  const appended = await appendBehind(options, before, 'epoch', epochBody(isSetBack))
  return appended && { ...appended, before }
}

/** True if the engine has lost what it had acknowledged to this node. Rejects with `purged` if the copy's history was purged. */
async function isBehind(options: TakeoverOptions, begun: Begun, wait: () => Promise<void>): Promise<boolean> {
  const { before } = begun
  const isThere = await hasMark(options, before, wait)
  // A log of a single machine is no loss of an engine that has nothing of it.
  const isShorter = before.sequence > 0 && before.lsn < options.local.floor
  if (isThere && isShorter) await lookForPurge(options, begun, wait)
  return isShorter || !isThere
}

/** True if the engine still has the message at this node's mark. `before` is the end that the own epoch follows. */
async function hasMark(options: TakeoverOptions, before: Position, wait: () => Promise<void>): Promise<boolean> {
  const { log, subject, workspace, local } = options
  const { sequence, chain } = local.mark
  if (sequence === 0) return true
  if (before.sequence < sequence) return false
  for (;;) {
    const [found] = await untilAnswered(options, () => log.read(subject, sequence - 1, 1))
    if (found !== undefined) {
      if (found.sequence === sequence) return factsOf(workspace, found).chain === chain
      // It is the first one left.
      if (factsOf(workspace, found).kind === 'purge') throw ofPurged(workspace, found.sequence)
      return false
    }
    await wait()
  }
}

/** Looks for a purge between the copy's mark, which is still there, and the own epoch. Rejects with `purged` if there is one. */
async function lookForPurge(options: TakeoverOptions, { own }: Begun, wait: () => Promise<void>): Promise<void> {
  const { log, subject, workspace, local } = options
  for (let after = local.mark.sequence; ; ) {
    const messages = await untilAnswered(options, () => log.read(subject, after, READ_LIMIT))
    for (const message of messages) {
      if (factsOf(workspace, message).kind === 'purge') throw ofPurged(workspace, message.sequence)
      if (message.id === own.id) return
      after = message.sequence
    }
    if (messages.length === 0) await wait()
  }
}

const READ_LIMIT = 256

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
