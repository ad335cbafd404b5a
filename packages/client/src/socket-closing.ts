/** How long the other side gets to answer a close frame. A hung server must not hold a process open. */
const CLOSE_TIMEOUT_MS = 1_000

/** Resolves when every socket has closed; one whose peer does not answer is cut off (in Node) or left to the browser. */
export async function closeSockets(sockets: Iterable<WebSocket>): Promise<void> {
  await Promise.all([...sockets].map(closeSocket))
}

function closeSocket(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.CLOSED) return resolve()
    const timer = setTimeout(() => {
      // Of `ws` only; a browser has no such thing and closes it in its own time.
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
