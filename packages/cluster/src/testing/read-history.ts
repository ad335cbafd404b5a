import type { LogRecord } from '@joinery/log'
import type { EngineLog, StoredMessage } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { type Position, START } from '../history/position.ts'
import { engineNameOf, nameOfEngineName } from '../nodes/names.ts'

const LIMIT = 256
/** A minute. */
const TRIES_MAX = 1_200
const WAIT_MS = 50

/** The history of a workspace, read and checked. */
export interface ReadHistory {
  /** Its end. */
  readonly position: Position
  readonly records: readonly LogRecord[]
}

/** Names of the logs that the engine has. */
export async function historiesOf(log: EngineLog): Promise<string[]> {
  return (await untilAnswered(() => log.subjects())).map(nameOfEngineName)
}

export interface ReadHistoryOptions {
  /** Position behind which reading begins; by default the beginning. */
  readonly from?: Position
  /** A record that the history must have by now. The end that the engine gives may be an older one. By default none. */
  readonly through?: number
  /** Called with each message before it is checked. */
  readonly onMessage?: (message: StoredMessage) => void
}

/**
 * Reads a workspace's history up to the message that the engine calls its last. Rejects with `corrupted`
 * if a message does not follow from the one before, with the engine's errors if it does not answer for long, and if replicas lag for a minute.
 */
export async function readHistory(
  log: EngineLog,
  workspace: string,
  { from = START, through = 0, onMessage }: ReadHistoryOptions = {},
): Promise<ReadHistory> {
  const subject = engineNameOf(workspace)
  const endOf = async (): Promise<number> => (await untilAnswered(() => log.last(subject)))?.sequence ?? 0
  let end = await endOf()
  const reader = new HistoryReader(workspace, from)
  const isBehind = (): boolean => reader.position.sequence < end || reader.position.lsn < through
  const records: LogRecord[] = []
  for (let tries = 0; isBehind(); end = Math.max(end, await endOf())) {
    const messages = await untilAnswered(() => log.read(subject, reader.position.sequence, LIMIT))
    for (const message of messages) {
      onMessage?.(message)
      records.push(...reader.read(message).records)
    }
    if (messages.length > 0) continue
    if (++tries === TRIES_MAX) {
      const { sequence, lsn } = reader.position
      throw new Error(
        `the history of ${workspace} ends at message ${sequence} and record ${lsn}: message ${end} and record ${through} are missing`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  }
  return { position: reader.position, records }
}

/** Asks again while the engine does not answer. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'unavailable' || tries === TRIES_MAX) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  }
}
