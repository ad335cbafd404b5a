import type { ServerResponse } from 'node:http'

/** Media type of a Yjs update. */
export const UPDATE_TYPE = 'application/octet-stream'
/** Bytes written at once. The next ones wait until the socket has taken these. */
const CHUNK_BYTES = 64 * 1024

/** Sends bytes as the reader takes them, and ends the connection of one that reads nothing for `stallMs`. */
export async function sendBytes(response: ServerResponse, bytes: Uint8Array, stallMs: number): Promise<void> {
  if (response.req.method === 'HEAD') return void response.end()
  for (let at = 0; at < bytes.length && !response.destroyed; at += CHUNK_BYTES) {
    if (!response.write(bytes.subarray(at, at + CHUNK_BYTES))) await drained(response, stallMs)
  }
  response.end()
  // The bytes are held until the socket has taken them.
  if (!response.destroyed && !response.writableFinished) await settled(response, 'finish', stallMs)
}

function drained(response: ServerResponse, stallMs: number): Promise<void> {
  return settled(response, 'drain', stallMs)
}

function settled(response: ServerResponse, event: 'drain' | 'finish', stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), stallMs)
    const done = (): void => {
      clearTimeout(stalled)
      response.off(event, done)
      response.off('close', done)
      resolve()
    }
    response.on(event, done)
    response.on('close', done)
  })
}
