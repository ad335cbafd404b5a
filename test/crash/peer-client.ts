import { encodeSyncStep1 } from '@joinery/protocol'
import * as decoding from 'lib0/decoding'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { WIRES } from '../bench/load/wire.ts'
import { RawClient } from '../support/raw-client.ts'

/** Somebody in one room of any of the servers, with a document of their own. */
export interface PeerClient {
  readonly doc: Y.Doc
  /** Update frames sent so far. */
  readonly framesSent: number
  /** How many of them the server called saved. Always 0 with a server that never says so. */
  readonly framesSaved: number
  /** Resolves when `doc` has the server's content. Rejects if the connection ends before. */
  readonly synced: Promise<void>
  cut(): void
}

/** A client of a y-websocket server. `wantsJoinery` asks for acknowledgements, which only Joinery has. */
export function openYjsClient(url: string, room: string, wantsJoinery: boolean): PeerClient {
  const client = new RawClient({ url, path: room, wantsJoinery })
  const synced = Promise.race([client.synced, client.ended]).then((ending) => {
    if (ending !== undefined) throw new Error(`${room} ended: ${JSON.stringify(ending)}`)
  })
  return {
    doc: client.doc,
    synced,
    get framesSent() {
      return client.framesSent
    },
    get framesSaved() {
      return client.framesDurable
    },
    cut: () => client.cut(),
  }
}

/** Hocuspocus says after each update whether it took it; its provider shows that as "no unsynced changes". */
const SYNC_STATUS = 8
const FROM_SERVER = Symbol('from the server')

export function openHocuspocusClient(url: string, room: string): PeerClient {
  const wire = WIRES.hocuspocus
  const doc = new Y.Doc()
  const counts = { sent: 0, saved: 0 }
  const synced = Promise.withResolvers<void>()
  const socket = new WebSocket(url + wire.path(room), { perMessageDeflate: false })
  const send = (frame: Uint8Array) => {
    if (socket.readyState !== WebSocket.OPEN) return
    counts.sent++
    socket.send(frame)
  }
  const take = (data: Uint8Array) => {
    const decoder = decoding.createDecoder(data)
    decoding.readVarString(decoder)
    if (decoding.readVarUint(decoder) === SYNC_STATUS) {
      counts.saved += decoding.readVarUint(decoder)
      return
    }
    const incoming = wire.read(data)
    if (incoming.type === 'authenticated') socket.send(wire.syncStep1(room, Y.encodeStateVector(doc)))
    if (incoming.type === 'stateVector') send(wire.syncStep2(room, Y.encodeStateAsUpdate(doc, incoming.payload)))
    if (incoming.type === 'state' || incoming.type === 'update') Y.applyUpdate(doc, incoming.payload, FROM_SERVER)
    if (incoming.type === 'state') synced.resolve()
  }
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== FROM_SERVER) send(wire.update(room, update))
  })
  socket.on('open', () => socket.send(wire.greeting(room) ?? encodeSyncStep1(Y.encodeStateVector(doc))))
  socket.on('message', (data: Buffer) => take(new Uint8Array(data)))
  socket.on('error', (error) => synced.reject(error))
  socket.on('close', (code) => synced.reject(new Error(`${room} ended with ${code}`)))
  // After the end of a round, a cut connection is no error.
  synced.promise.catch(() => undefined)
  return {
    doc,
    synced: synced.promise,
    get framesSent() {
      return counts.sent
    },
    get framesSaved() {
      return counts.saved
    },
    cut: () => socket.terminate(),
  }
}
