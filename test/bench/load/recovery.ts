import * as Y from 'yjs'
import { deadline } from './deadline.ts'
import type { Figures, RecoverWork, Target, TypeRoomsWork } from './job.ts'
import { LoadClient } from './load-client.ts'
import { startStopwatch } from './stopwatch.ts'
import { textName, typeText } from './typed-text.ts'

/** Under the 511 connections that a listening socket lets wait: beyond, the kernel's retries would be measured. */
const OPENING_MAX = 256
/** Enough for the last edits to be read and stored. */
const SETTLE_MS = 4_000

const roomNames = (rooms: number): string[] => Array.from({ length: rooms }, (_, number) => `recover-${number}`)

/** One edit in each room, then the next in each: to a server that logs, every one is a record of its own. */
export async function typeRooms(target: Target, work: TypeRoomsWork): Promise<Figures> {
  const limit = deadline()
  const stopwatch = startStopwatch(target.pid)
  const typed = typeText(work.editsPerRoom)
  const writers = await limit.race(openAll(target, roomNames(work.rooms), limit.fail, () => undefined))
  for (const update of typed.updates) {
    for (const writer of writers) writer.send(writer.frame(update))
    await limit.race(Promise.all(writers.map((writer) => writer.drained())))
  }
  await limit.race(new Promise((resolve) => setTimeout(resolve, SETTLE_MS)))
  limit.clear()
  const { cpuMicros: _, ...times } = stopwatch.stop()
  return times
}

/** A client with nothing for each room, all at once. Timed is until the last was sent everything; it is compared afterwards. */
export async function runRecovery(target: Target, work: RecoverWork): Promise<Figures> {
  const limit = deadline()
  const received = new Map<string, Uint8Array[]>()
  const stopwatch = startStopwatch(target.pid)
  const startMs = performance.now()
  const take = (room: string, update: Uint8Array) => {
    received.set(room, [...(received.get(room) ?? []), update])
  }
  const rooms = roomNames(work.rooms)
  const clients = await limit.race(openAll(target, rooms, limit.fail, take))
  const recoveryMs = performance.now() - startMs
  const { cpuMicros, ...times } = stopwatch.stop()
  for (const client of clients) client.close()
  for (const room of rooms) checkContent(room, received.get(room) ?? [], work.editsPerRoom)
  limit.clear()
  return { recoveryMs, recoveryCpuMs: cpuMicros / 1000, ...times }
}

async function openAll(
  target: Target,
  rooms: readonly string[],
  onLost: (error: Error) => void,
  take: (room: string, update: Uint8Array) => void,
): Promise<LoadClient[]> {
  const clients: LoadClient[] = []
  let next = 0
  const openInTurn = async () => {
    for (let room = rooms[next++]; room !== undefined; room = rooms[next++]) {
      const name = room
      const onUpdate = (update: Uint8Array) => take(name, update)
      clients.push(await LoadClient.open({ url: target.url, wire: target.wire, room, onUpdate, onLost }))
    }
  }
  await Promise.all(Array.from({ length: OPENING_MAX }, openInTurn))
  return clients
}

function checkContent(room: string, updates: readonly Uint8Array[], edits: number): void {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  const [clientId] = doc.store.clients.keys()
  const length = clientId === undefined ? 0 : doc.getText(textName(clientId)).length
  // All but the last edit are a character each, and that is a mark of five.
  if (length !== edits - 1 + 5) throw new Error(`${room} came back with ${length} characters of ${edits} edits`)
}
