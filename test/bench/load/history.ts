import { setImmediate as nextTurn } from 'node:timers/promises'
import * as Y from 'yjs'
import { deadline } from './deadline.ts'
import type { Figures, HistoryWork, Target } from './job.ts'
import { LoadClient } from './load-client.ts'
import { startStopwatch } from './stopwatch.ts'
import { generateTrace, readTrace, type Trace } from './trace.ts'

const ROOM = 'history'
/** Sent between two looks at the socket. */
const BURST_FRAMES = 200
/** More than this on the way and the generator waits for the server. */
const BUFFERED_BYTES_MAX = 1_000_000
/** Debounced stores and snapshots are part of what an edit costs, so they are waited for. */
const SETTLE_MS = 3_000

/** Applies a trace to a fresh document: one update per transaction, and the text they end in. */
export function editsOf(
  trace: Trace,
  editsMax: number,
): { updates: Uint8Array[]; content: string; stateVector: Uint8Array } {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText('content')
  for (const { patches } of trace.txns.slice(0, editsMax)) {
    doc.transact(() => {
      for (const [position, deleted, inserted] of patches) {
        if (deleted > 0) text.delete(position, deleted)
        if (inserted !== '') text.insert(position, inserted)
      }
    })
  }
  return { updates, content: text.toString(), stateVector: Y.encodeStateVector(doc) }
}

/** Sends one long editing history through one socket, as fast as the server takes it; another client watches it arrive. */
export async function runHistory(target: Target, work: HistoryWork): Promise<Figures> {
  const trace = work.traceFile === undefined ? generateTrace(work.editsMax) : readTrace(work.traceFile)
  const { updates, content, stateVector } = editsOf(trace, work.editsMax ?? trace.txns.length)
  if (work.editsMax === undefined && content !== trace.endContent) throw new Error('the trace does not end as it says')
  const limit = deadline()
  const arrived = Promise.withResolvers<void>()
  const watched = new Y.Doc()
  const options = { url: target.url, wire: target.wire, room: ROOM, onLost: limit.fail }
  const watcher = await limit.race(
    LoadClient.open({
      ...options,
      onUpdate(update) {
        Y.applyUpdate(watched, update)
        if (Buffer.compare(Y.encodeStateVector(watched), stateVector) === 0) arrived.resolve()
      },
    }),
  )
  const writer = await limit.race(LoadClient.open(options))
  const frames = updates.map((update) => writer.frame(update))
  const stopwatch = startStopwatch(target.pid)
  await limit.race(sendAll(writer, frames))
  await limit.race(arrived.promise)
  await limit.race(new Promise((resolve) => setTimeout(resolve, SETTLE_MS)))
  const { cpuMicros, ...times } = stopwatch.stop()
  // State vectors say nothing of deletions, so compare the text.
  if (watched.getText('content').toString() !== content)
    throw new Error('the watcher holds another text than was typed')
  await limit.race(checkLateClient(target, content))
  writer.close()
  watcher.close()
  limit.clear()
  return { cpuMicrosPerEdit: cpuMicros / updates.length, ...times }
}

async function sendAll(writer: LoadClient, frames: readonly Uint8Array[]): Promise<void> {
  for (const [index, frame] of frames.entries()) {
    writer.send(frame)
    if (index % BURST_FRAMES !== 0) continue
    do await nextTurn()
    while (writer.bufferedBytes > BUFFERED_BYTES_MAX)
  }
}

async function checkLateClient(target: Target, content: string): Promise<void> {
  if (!target.keepsDocuments) return
  const late = new Y.Doc()
  const lost = Promise.withResolvers<never>()
  const client = await LoadClient.open({
    url: target.url,
    wire: target.wire,
    room: ROOM,
    onUpdate: (update) => Y.applyUpdate(late, update),
    onLost: lost.reject,
  })
  client.close()
  if (late.getText('content').toString() !== content)
    throw new Error('a client that joined afterwards got another text')
}
