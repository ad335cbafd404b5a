import { once } from 'node:events'
import { decodeFrame, encodeSyncStep2 } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { until } from '../support/until.ts'
import { connect, startServer } from './fixture.ts'

const MIB = 1024 * 1024

describe('large messages', () => {
  it('[S46] a first sync of 20 MiB that comes in parts of 16 KiB is taken in', async () => {
    const server = await startServer()
    const reader = connect(server)
    await reader.whenSynced
    const doc = new Y.Doc()
    doc.getText().insert(0, 'x'.repeat(20 * MIB))
    const message = encodeSyncStep2(Y.encodeStateAsUpdate(doc))
    const partBytes = 16 * 1024
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/w`, { perMessageDeflate: false })
    let ending: string | undefined
    socket.on('close', (code, reason) => {
      ending = `${code} ${reason}`
    })
    socket.on('message', (data: Buffer) => {
      if (decodeFrame(data).type !== 'syncStep1') return
      for (let at = 0; at < message.length; at += partBytes) {
        socket.send(message.subarray(at, at + partBytes), { fin: at + partBytes >= message.length, binary: true })
      }
    })
    await once(socket, 'open')
    await until('it is there', () => ending !== undefined || reader.doc.getText().length === 20 * MIB)
    expect(ending).toBeUndefined()
    socket.terminate()
  })
})
