import * as Y from 'yjs'
import { deadline } from './deadline.ts'
import type { ColdSyncWork, Figures, Target } from './job.ts'
import { LoadClient } from './load-client.ts'
import { startStopwatch } from './stopwatch.ts'
import { generateTrace, readTrace } from './trace.ts'

/** Lets the server finish what it does after its answers: that is part of what they cost. */
const SETTLE_MS = 500

/**
 * Clients with nothing join at one moment a room that the server has not touched since its start. Timed is until the last
 * of them was sent everything; what each got is applied and compared afterwards.
 */
export async function runColdSync(target: Target, work: ColdSyncWork): Promise<Figures> {
  const trace = work.traceFile === undefined ? generateTrace(work.editsMax) : readTrace(work.traceFile)
  const content = contentOf(trace.txns, trace.endContent, work.editsMax)
  const limit = deadline()
  const stopwatch = startStopwatch(target.pid)
  const startMs = performance.now()
  const joined = await limit.race(
    Promise.all(
      Array.from({ length: work.clients }, async () => {
        const updates: Uint8Array[] = []
        const onUpdate = (update: Uint8Array) => updates.push(update)
        const options = { url: target.url, wire: target.wire, room: work.room, onUpdate, onLost: limit.fail }
        return { client: await LoadClient.open(options), updates }
      }),
    ),
  )
  const coldSyncMs = performance.now() - startMs
  await limit.race(new Promise((resolve) => setTimeout(resolve, SETTLE_MS)))
  const { cpuMicros, ...times } = stopwatch.stop()
  for (const { client, updates } of joined) {
    client.close()
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, update)
    if (doc.getText('content').toString() !== content) throw new Error('a client that joined got another text')
  }
  limit.clear()
  return { coldSyncMs, coldSyncCpuMs: cpuMicros / 1000, ...times }
}

function contentOf(
  txns: readonly { readonly patches: readonly (readonly [number, number, string])[] }[],
  endContent: string,
  editsMax: number | undefined,
): string {
  if (editsMax === undefined || editsMax >= txns.length) return endContent
  let text = ''
  for (const { patches } of txns.slice(0, editsMax)) {
    for (const [position, deleted, inserted] of patches) {
      text = text.slice(0, position) + inserted + text.slice(position + deleted)
    }
  }
  return text
}
