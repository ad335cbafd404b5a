import { once } from 'node:events'
import { decodeFrame, encodeSyncStep2 } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { startSlowProxy } from '../support/slow-proxy.ts'
import { until } from '../support/until.ts'
import { connect, readText, recordStates, startServer, textOf, whenState } from './fixture.ts'

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

  it('[C95] a paste of 3 MiB while connected is saved and seen by others, whole', async () => {
    const server = await startServer()
    const [ada, ben] = [connect(server), connect(server)]
    await Promise.all([ada.whenSynced, ben.whenSynced])
    textOf(ada).insert(0, 'before ')
    await ada.whenDurable()
    const states = recordStates(ada)
    textOf(ada).insert(7, 'x'.repeat(3 * MIB))
    textOf(ada).insert(0, 'and ')
    await ada.whenDurable()
    await until('ben has it', () => readText(ben).length === 3 * MIB + 11)
    await whenState(ada, 'saved')
    expect(states.map(({ state }) => state)).not.toContain('rejected')
    expect(readText(ben)).toBe(readText(ada))
  })

  it('[C95] what is larger than any message is refused for good, and stays in the document', async () => {
    const server = await startServer({ limits: { syncBytesMax: 2 * MIB, updateBytesMax: 2 * MIB } })
    const ada = connect(server)
    await ada.whenSynced
    textOf(ada).insert(0, 'x'.repeat(4 * MIB))
    await expect(ada.whenDurable()).rejects.toMatchObject({ code: 'too_large' })
    expect(ada.saveStatus.get()).toMatchObject({ state: 'rejected', what: 'connection', code: 'too_large' })
    expect(readText(ada)).toHaveLength(4 * MIB)
  })

  it('[S13] an upload that takes many heartbeats goes through, on one connection', async () => {
    const server = await startServer({ limits: { heartbeatMs: 200 } })
    await using proxy = await startSlowProxy(server.port, 4 * MIB)
    const ada = connect(proxy)
    textOf(ada).insert(0, 'x'.repeat(12 * MIB))
    await ada.whenDurable()
    expect(proxy.connections).toBe(1)
  })
})
