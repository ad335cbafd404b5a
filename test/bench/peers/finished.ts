/**
 * The floor of a cold sync: a bare `ws` server that holds each room's finished answer, framed, and sends it to each
 * client that asks. On SIGTERM it writes the content of each room to a file, which it reads at the next start.
 * usage: node finished.ts PORT DIRECTORY
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeFrame, encodeSyncStep2 } from '@joinery/protocol'
import { WebSocketServer } from 'ws'
import * as Y from 'yjs'

const [port, directory] = process.argv.slice(2)
if (port === undefined || directory === undefined) throw new Error('usage: node finished.ts PORT DIRECTORY')
const files = join(directory, 'finished')
mkdirSync(files, { recursive: true })
const finished = new Map(readdirSync(files).map((name) => [`/${name}`, readFileSync(join(files, name))]))
const filled = new Map<string, Uint8Array[]>()
const nothing = encodeSyncStep2(Uint8Array.of(0, 0))
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false })

server.on('listening', () => console.log('finished bytes listening'))
server.on('connection', (socket, request) => {
  const room = request.url ?? '/'
  socket.on('message', (data: Buffer) => {
    if (data[0] !== 0) return
    if (data[1] === 0) return socket.send(finished.get(room) ?? nothing)
    const frame = decodeFrame(new Uint8Array(data))
    if (frame.type === 'update') filled.set(room, [...(filled.get(room) ?? []), frame.update])
  })
})
process.once('SIGTERM', () => {
  for (const [room, updates] of filled) {
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, update)
    writeFileSync(join(files, room.slice(1)), encodeSyncStep2(Y.encodeStateAsUpdate(doc)))
  }
  process.exit(0)
})
