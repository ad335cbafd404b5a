import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../support/seeded-random.ts'

/** Forwards to a server and loses some of its answers: the request arrives, the caller's connection breaks. */
export interface LossyProxy extends AsyncDisposable {
  readonly url: string
  /** Answers lost so far. */
  lost(): number
}

export async function startLossyProxy(target: string, share: number, random: Random): Promise<LossyProxy> {
  let lost = 0
  const server = createServer((incoming, outgoing) => {
    const isLost = random() < share
    const forwarded = request(`${target}${incoming.url}`, { method: incoming.method, headers: incoming.headers })
    forwarded.on('error', () => outgoing.destroy())
    forwarded.on('response', (answer) => {
      if (!isLost) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
        return
      }
      // Only a complete answer proves that the server has done the work.
      answer.resume()
      answer.on('end', () => {
        lost++
        outgoing.destroy()
      })
    })
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
