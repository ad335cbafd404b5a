import { decodeLogOrigin, encodePortableRecord, type LogOrigin, type LogRecord } from '@joinery/log'
import type { EngineLog, StoredMessage } from '../engine/engine.ts'
import { HistoryError } from './history-error.ts'
import { HistoryReader } from './history-reader.ts'
import { saysSetBack } from './message.ts'
import { type Position, START } from './position.ts'
import { isEndedBy, ofPurged } from './purged-copy.ts'
import type { ReplicaLog } from './replica-log.ts'

const READ_LIMIT = 256

/** Where the history of one workspace is, and this node's copy of it. */
export interface Place {
  readonly log: EngineLog
  readonly workspace: string
  readonly subject: string
  readonly local: ReplicaLog
}

/** How a copy is brought up to its history. */
export interface CatchUpOptions {
  /**
   * The message up to which it is read, by its id and its sequence, and a pause before a replica that does not have it is asked again.
   */
  readonly until?: { readonly through: string; readonly sequence: number; readonly wait: () => Promise<void> }
  /** True if the engine has lost the message of the copy's mark: the history is compared from its first record on. */
  readonly isSetBack?: boolean
}

/**
 * Brings a node's copy up to what the engine gives now, or up to and with a message. A record that the node has already stays. Where
 * the engine has another one, the node's own records from there on are cut off if they were never acknowledged. If one of them was, that
 * is `diverged`, and both stay as they are. Throws `corrupted` or `unknown_format`, too; the copy ends before that message then. Throws
 * `purged` where the history that it has was purged, and `fenced` if the message to read up to was removed by a purge behind it.
 */
export async function catchUp(place: Place, { until, isSetBack = false }: CatchUpOptions = {}): Promise<void> {
  const { log, workspace, subject, local } = place
  // Which of the copy's records above the mark were acknowledged can't be known any more.
  if (isSetBack) await local.protect()
  const reader = new HistoryReader(workspace, isSetBack ? START : local.mark)
  for (;;) {
    const messages = await log.read(subject, reader.position.sequence, READ_LIMIT)
    const { isThrough, error } = await adoptMessages(reader, messages, local, until?.through)
    if (error !== undefined) throw error
    if (isThrough || (until === undefined && messages.length < READ_LIMIT)) return
    if (until !== undefined && reader.position.sequence > until.sequence) {
      throw new HistoryError('fenced', workspace, reader.position.sequence, 'it was purged meanwhile by another node')
    }
    // The end that a replica shows proves nothing: the message is there, since its append was acknowledged.
    if (messages.length === 0) await until?.wait()
  }
}

/** Adopts the records of some messages in one go, those before a message that can't be read included. */
export async function adoptMessages(
  reader: HistoryReader,
  messages: readonly StoredMessage[],
  local: ReplicaLog,
  through?: string,
): Promise<{ isThrough: boolean; error?: unknown }> {
  let brought: Brought = { records: [] }
  const adopt = async (): Promise<void> => {
    await adoptNew(reader.workspace, local, brought)
    brought = { records: [] }
  }
  let isThrough = false
  let error: unknown
  for (const message of messages) {
    try {
      const { records, origin = brought.origin, facts, position } = reader.read(message)
      if (facts.kind === 'purge') {
        // Everything before it is gone for everybody: not even a copy takes it.
        brought = { records: [] }
        if (isEndedBy(local, facts, message.sequence)) throw ofPurged(reader.workspace, message.sequence)
      }
      // Parts are read again with their last one: the mark stands before them.
      const mark = facts.kind === 'part' ? brought.mark : position
      brought = { records: [...brought.records, ...records], mark, origin }
      // An owner knows by itself what it has found.
      if (message.id !== through && saysSetBack(facts.kind, message.body)) {
        await adopt()
        // This node may have been the owner of records that the engine has lost.
        if (local.head > local.mark.lsn) await local.protect()
      }
    } catch (caught) {
      error = caught
      break
    }
    isThrough = message.id === through
    if (isThrough) break
  }
  await adopt()
  return error === undefined ? { isThrough } : { isThrough, error }
}

/** The content of some messages. */
interface Brought {
  readonly records: readonly LogRecord[]
  /** Position after them; undefined if there was none, or parts alone. */
  readonly mark?: Position | undefined
  readonly origin?: Uint8Array | undefined
}

async function adoptNew(workspace: string, local: ReplicaLog, { records: all, mark, origin }: Brought): Promise<void> {
  if (mark === undefined) return
  const cutAfter = async (lsn: number, departed: string): Promise<void> => {
    if (lsn >= local.head) return
    if (lsn < local.floor) throw divergedAt(workspace, mark, local, departed)
    await local.truncate(lsn)
  }
  const isOther = mark.generation !== undefined && local.generation !== mark.generation
  // No record of another generation is the same.
  if (isOther) await cutAfter(0, 'is another history from its first record on')
  if (origin !== undefined) {
    const beginning = await decodeLogOrigin(workspace, origin)
    // A copy that ends among the dropped records can't go on from there.
    if (local.head <= beginning.lsn) await cutAfter(0, `begins after record ${beginning.lsn}`)
    if (local.head === 0) return await local.adopt(all, mark, beginning)
    await checkOrigin(workspace, local, beginning, mark)
  }
  // Records that this node has dropped can't be compared.
  const records = all.filter(({ lsn }) => lsn >= local.firstLsn)
  const first = records[0]
  let known = 0
  if (first !== undefined && first.lsn <= local.head) {
    for await (const own of local.read(first.lsn - 1)) {
      const theirs = records[known]
      if (theirs === undefined || !isSameRecord(own, theirs)) break
      known++
    }
    const next = records[known]
    if (next !== undefined) await cutAfter(next.lsn - 1, `has another record ${next.lsn}`)
  }
  await local.adopt(records.slice(known), mark)
}

function divergedAt(workspace: string, { sequence }: Position, { floor }: ReplicaLog, departed: string): HistoryError {
  const reason =
    `the history on the engine ${departed}, and this node has records up to ${floor} that were acknowledged: both are kept, and ` +
    'nothing is cut off. Have a node with a longer copy own the workspace, or stop this node, keep its data directory ("joinery export" ' +
    'reads it), and start it with an empty one'
  return new HistoryError('diverged', workspace, sequence, reason)
}

/** Throws `diverged` unless the copy has the history that the chain value of a beginning stands for. */
async function checkOrigin(
  workspace: string,
  local: ReplicaLog,
  { lsn, chain }: LogOrigin,
  { sequence }: Position,
): Promise<void> {
  if (local.firstLsn > lsn + 1 || (await local.chainAt(lsn)) === chain) return
  const reason = `the chain value of record ${lsn}, before which all was dropped, is another one than on this node`
  throw new HistoryError('diverged', workspace, sequence, reason)
}

function isSameRecord(one: LogRecord, other: LogRecord): boolean {
  return Buffer.compare(encodePortableRecord(one), encodePortableRecord(other)) === 0
}
