/**
 * The floor of a recovery: a bare `ws` server that keeps each room's updates in LevelDB, as they come, and sends them to
 * each client that asks. When it is told to stop it makes one value of each room's, as a snapshot would.
 * usage: node stored.ts PORT DIRECTORY
 */
import { decodeFrame, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { ClassicLevel } from 'classic-level'
import { type WebSocket, WebSocketServer } from 'ws'
import * as Y from 'yjs'

const [port, directory] = process.argv.slice(2)
if (port === undefined || directory === undefined) throw new Error('usage: node stored.ts PORT DIRECTORY')
const level = new ClassicLevel<string, Uint8Array>(directory, { valueEncoding: 'view' })
await level.open()
const counts = new Map<string, number>()
const writes = new Set<Promise<void>>()
const nothing = Uint8Array.of(0, 0)
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false })

const rangeOf = (room: string) => ({ gte: `${room}!`, lt: `${room}"` })

async function answer(socket: WebSocket, room: string): Promise<void> {
  const values = await level.values(rangeOf(room)).all()
  const last = values.pop() ?? nothing
  for (const value of values) socket.send(encodeUpdate(value))
  socket.send(encodeSyncStep2(last))
}

function keep(room: string, update: Uint8Array): void {
  const count = (counts.get(room) ?? 0) + 1
  counts.set(room, count)
  const write = level.put(`${room}!${String(count).padStart(8, '0')}`, update)
  writes.add(write)
  void write.finally(() => writes.delete(write))
}

async function stop(): Promise<void> {
  await Promise.all(writes)
  for (const room of counts.keys()) {
    const values = await level.values(rangeOf(room)).all()
    await level.clear(rangeOf(room))
    await level.put(`${room}!`, Y.mergeUpdates(values))
  }
  await level.close()
  process.exit(0)
}

server.on('listening', () => console.log('stored bytes listening'))
server.on('connection', (socket, request) => {
  const room = request.url ?? '/'
  socket.on('message', (data: Buffer) => {
    if (data[0] !== 0) return
    if (data[1] === 0) return void answer(socket, room)
    const frame = decodeFrame(new Uint8Array(data))
    if (frame.type === 'update') keep(room, frame.update)
  })
})
process.once('SIGTERM', () => void stop())
