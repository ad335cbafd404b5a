import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import { writeErrorOf } from './nats-errors.ts'

/** `status` of a direct read that finds nothing. */
const NOTHING_FOUND = 404

/** Messages whose subjects match `filter`, after a sequence, in order, from any replica. */
export async function readBatch(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  after: number,
  limit: number,
): Promise<StoredMsg[]> {
  const found: StoredMsg[] = []
  try {
    const messages = await manager.direct.getBatch(stream, { seq: after + 1, next_by_subj: filter, batch: limit })
    for await (const message of messages) found.push(message)
  } catch (error) {
    if (!isNothing(error)) throw writeErrorOf(error, `for the messages of ${filter}`)
  }
  return found
}

function isNothing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === NOTHING_FOUND
}
