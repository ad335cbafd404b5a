/**
 * The floor: what `ws` costs when a server only forwards bytes. Keeps no document, answers every SyncStep1 with nothing.
 * usage: node relay.ts PORT
 */
import { type WebSocket, WebSocketServer } from 'ws'

const EMPTY_SYNC_STEP_2 = Uint8Array.of(0, 1, 2, 0, 0)
const rooms = new Map<string, Set<WebSocket>>()
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false })

server.on('listening', () => console.log('relay listening'))
server.on('connection', (socket, request) => {
  const name = request.url ?? '/'
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(socket))
  socket.on('message', (data: Buffer) => {
    if (data[0] !== 0) return
    if (data[1] === 0) socket.send(EMPTY_SYNC_STEP_2)
    else if (data[1] === 2) for (const other of room) if (other !== socket) other.send(data, { binary: true })
  })
  socket.on('close', () => {
    room.delete(socket)
    if (room.size === 0) rooms.delete(name)
  })
})
process.once('SIGTERM', () => process.exit(0))
