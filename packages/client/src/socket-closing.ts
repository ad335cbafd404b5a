/** Time for the other side to answer a close frame. A server that hangs must not keep this process alive. */
const CLOSE_TIMEOUT_MS = 1_000

/** Closes the sockets and resolves when all have closed. If a peer does not answer, Node cuts its socket; a browser is left to close it. */
export async function closeSockets(sockets: Iterable<WebSocket>): Promise<void> {
  await Promise.all([...sockets].map(closeSocket))
}

function closeSocket(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) return resolve()
    const timer = setTimeout(() => {
      // Only `ws` has `terminate`. A browser closes the socket in its own time.
      if ('terminate' in socket && typeof socket.terminate === 'function') socket.terminate()
      else resolve()
    }, CLOSE_TIMEOUT_MS)
    socket.addEventListener('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.close()
  })
}
