import { decodeLogOrigin, encodePortableRecord, type LogOrigin, type LogRecord } from '@joinery/log'
import type { EngineLog, StoredMessage } from '../engine/engine.ts'
import { HistoryError } from './history-error.ts'
import { HistoryReader } from './history-reader.ts'
import type { Position } from './position.ts'
import type { ReplicaLog } from './replica-log.ts'

const READ_LIMIT = 256

/** Where the history of one workspace is, and this node's copy of it. */
export interface Place {
  readonly log: EngineLog
  readonly workspace: string
  readonly subject: string
  readonly local: ReplicaLog
}

/**
 * Brings a node's copy up to what the engine gives now, or up to and with the message `through`. A record that the node has
 * already stays; where the engine has another one, the node's own records from there on are cut off: they were never
 * acknowledged as replicated. Throws `corrupted` or `unknown_format`; the copy ends before that message then.
 */
export async function catchUp(place: Place, until?: { through: string; wait: () => Promise<void> }): Promise<void> {
  const { log, workspace, subject, local } = place
  const reader = new HistoryReader(workspace, local.mark)
  for (;;) {
    const messages = await log.read(subject, reader.position.sequence, READ_LIMIT)
    const { isThrough, error } = await adoptMessages(reader, messages, local, until?.through)
    if (error !== undefined) throw error
    if (isThrough || (until === undefined && messages.length < READ_LIMIT)) return
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
  const records: LogRecord[] = []
  let origin: Uint8Array | undefined
  let mark: Position | undefined
  let isThrough = false
  let error: unknown
  for (const message of messages) {
    try {
      const read = reader.read(message)
      records.push(...read.records)
      origin ??= read.origin
      // Parts are read again with their last one: the mark stands before them.
      if (read.facts.kind !== 'part') mark = read.position
    } catch (caught) {
      error = caught
      break
    }
    isThrough = message.id === through
    if (isThrough) break
  }
  if (mark !== undefined) await adoptNew(reader.workspace, local, { records, mark, origin })
  return error === undefined ? { isThrough } : { isThrough, error }
}

/** The content of some messages. */
interface Brought {
  readonly records: readonly LogRecord[]
  readonly mark: Position
  readonly origin: Uint8Array | undefined
}

async function adoptNew(workspace: string, local: ReplicaLog, brought: Brought): Promise<void> {
  const { mark } = brought
  const isOther = mark.generation !== undefined && local.generation !== mark.generation
  // No record of another generation is the same.
  if (isOther && local.head > 0) await local.truncate(0)
  if (brought.origin !== undefined) {
    const origin = await decodeLogOrigin(workspace, brought.origin)
    // A copy that ends among the dropped records can't go on from there.
    if (local.head > 0 && local.head <= origin.lsn) await local.truncate(0)
    if (local.head === 0) return await local.adopt(brought.records, mark, origin)
    await checkOrigin(workspace, local, origin, mark)
  }
  // Records that this node has dropped can't be compared.
  const records = brought.records.filter(({ lsn }) => lsn >= local.firstLsn)
  const first = records[0]
  let known = 0
  if (first !== undefined && first.lsn <= local.head) {
    for await (const own of local.read(first.lsn - 1)) {
      const theirs = records[known]
      if (theirs === undefined || !isSameRecord(own, theirs)) break
      known++
    }
    const next = records[known]
    if (next !== undefined && next.lsn <= local.head) await local.truncate(next.lsn - 1)
  }
  await local.adopt(records.slice(known), mark)
}

/** Throws `diverged` unless the copy has the history that the chain value of a beginning stands for. */
export async function checkOrigin(
  workspace: string,
  local: ReplicaLog,
  { lsn, chain }: LogOrigin,
  { sequence }: Position,
): Promise<void> {
  if (local.firstLsn > lsn + 1 || (await local.chainAt(lsn)) === chain) return
  const reason = `the chain value of record ${lsn}, before which all was dropped, is another one than on this node`
  throw new HistoryError('diverged', workspace, sequence, reason)
}

export function isSameRecord(one: LogRecord, other: LogRecord): boolean {
  return Buffer.compare(encodePortableRecord(one), encodePortableRecord(other)) === 0
}
