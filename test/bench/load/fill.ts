import * as Y from 'yjs'
import { deadline } from './deadline.ts'
import { editsOf } from './history.ts'
import type { Figures, FillHistoryWork, FillRoomsWork, Target } from './job.ts'
import { LoadClient } from './load-client.ts'
import { startStopwatch } from './stopwatch.ts'
import { generateTrace, readTrace } from './trace.ts'

/** Peers need minutes of CPU for the history edit by edit; what is stored in the end is the same. */
const EDITS_PER_UPDATE = 500
/** Debounced stores write within this time of the last edit. */
const SETTLE_MS = 4_000
const OPENING_MAX = 64
/** So that each line is a record of its own. */
const LINE_PAUSE_MS = 5

/** A server that reads something before it takes connections is to read this, and not what is measured: lines, one by one. */
const FIRST_ROOM = { room: 'a-first-room', lines: 40 }

/** Brings one long history into a room, for a later start to serve. */
export async function fillHistory(target: Target, work: FillHistoryWork): Promise<Figures> {
  const trace = work.traceFile === undefined ? generateTrace(work.editsMax) : readTrace(work.traceFile)
  const { updates } = editsOf(trace, work.editsMax ?? trace.txns.length)
  const limit = deadline()
  const stopwatch = startStopwatch(target.pid)
  await limit.race(fillRoom(target, FIRST_ROOM, limit.fail))
  const writer = await limit.race(
    LoadClient.open({ url: target.url, wire: target.wire, room: work.room, onLost: limit.fail }),
  )
  for (let start = 0; start < updates.length; start += EDITS_PER_UPDATE) {
    writer.send(writer.frame(Y.mergeUpdates(updates.slice(start, start + EDITS_PER_UPDATE))))
  }
  await limit.race(settled(writer))
  limit.clear()
  const { cpuMicros: _, ...times } = stopwatch.stop()
  return times
}

/** Brings a line of text into each of many rooms. */
export async function fillRooms(target: Target, work: FillRoomsWork): Promise<Figures> {
  const limit = deadline()
  const stopwatch = startStopwatch(target.pid)
  let next = 0
  const fillInTurn = async () => {
    while (next < work.rooms) {
      await fillRoom(target, { room: `connect-${next++}`, lines: 1 }, limit.fail)
    }
  }
  await limit.race(Promise.all(Array.from({ length: OPENING_MAX }, fillInTurn)))
  await limit.race(new Promise((resolve) => setTimeout(resolve, SETTLE_MS)))
  limit.clear()
  const { cpuMicros: _, ...times } = stopwatch.stop()
  return times
}

/** Brings lines of text into a room. */
async function fillRoom(
  { url, wire }: Target,
  { room, lines }: { room: string; lines: number },
  onLost: (error: Error) => void,
): Promise<void> {
  const writer = await LoadClient.open({ url, wire, room, onLost })
  const doc = new Y.Doc()
  doc.on('update', (update: Uint8Array) => writer.send(writer.frame(update)))
  for (let line = 1; line <= lines; line++) {
    if (line > 1) await new Promise((resolve) => setTimeout(resolve, LINE_PAUSE_MS))
    doc.getText('content').insert(0, `line ${line} of ${room}`)
  }
  await writer.drained()
  writer.closeAfterSending()
}

async function settled(writer: LoadClient): Promise<void> {
  await writer.drained()
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  writer.close()
}
