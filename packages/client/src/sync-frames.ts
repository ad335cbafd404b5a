import { decodeFrame, encodeSyncStep2 } from '@joinery/protocol'
import * as encoding from 'lib0/encoding'
import type { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

/**
 * Takes one sync frame as y-websocket's own handler does, except that an update which can't be read is thrown: the stock
 * one prints it to the console and goes on with a document that has a hole.
 */
export const readSyncFrame: WebsocketProvider['messageHandlers'][number] = (encoder, decoder, provider, emitSynced) => {
  const frame = decodeFrame(decoder.arr)
  switch (frame.type) {
    case 'syncStep1':
      encoding.writeUint8Array(encoder, encodeSyncStep2(Y.encodeStateAsUpdate(provider.doc, frame.stateVector)))
      return
    case 'syncStep2':
    case 'update':
      applyUpdate(provider, frame.update)
      if (frame.type === 'syncStep2' && emitSynced && !provider.synced) provider.synced = true
  }
}

function applyUpdate(provider: WebsocketProvider, update: Uint8Array): void {
  try {
    Y.applyUpdate(provider.doc, update, provider)
  } catch (error) {
    // Throws if the bytes are at fault. Else an observer of the application threw: the update is in, its error is its own.
    Y.decodeUpdate(update)
    queueMicrotask(() => {
      throw error
    })
  }
}
