import type { Duplex } from 'node:stream'

/** Time for which a socket rests after each packet that is discarded, ms. */
const REST_MS = 100

/**
 * Reads and discards what still comes on a socket that is refused: unread bytes would have the kernel reset the connection before the
 * client reads the answer. The socket is read a packet at a time, with rests between, so that many who send without a
 * pause cost nothing.
 */
export function discard(socket: Duplex): void {
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), REST_MS).unref()
  })
  socket.resume()
}
