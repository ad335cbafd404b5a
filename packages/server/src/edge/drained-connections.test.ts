import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createServer } from './server.ts'

/** A server that waits far longer than a test for clients to close, and answers each request when it is told to. */
async function startHeld(): Promise<{ server: ReturnType<typeof createServer>; held: ServerResponse[] }> {
  const held: ServerResponse[] = []
  const server = createServer({ limits: { drainMs: 3_600_000 }, request: (_request, response) => held.push(response) })
  await server.listen()
  return { server, held }
}

function get(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => request(url, { agent }, resolve).on('error', reject).end())
}

describe('a connection that a client keeps for further requests', () => {
  it('[S380] ends when the server closes and the answer that was on its way has arrived whole', async () => {
    const { server, held } = await startHeld()
    const agent = new Agent({ keepAlive: true })
    const asked = get(server.url, agent)
    await expect.poll(() => held.length).toBe(1)
    held[0]?.write('one, ')
    const response = await asked
    const closed = server.close()
    held[0]?.end('two')
    expect(await text(response)).toBe('one, two')
    await closed
    agent.destroy()
  })

  it('[S380] ends with the next answer although its client goes on to ask', async () => {
    const { server, held } = await startHeld()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const asked = [get(server.url, agent), get(server.url, agent)]
    await expect.poll(() => held.length).toBe(1)
    const closed = server.close()
    held[0]?.end('first')
    expect(await text((await asked[0]) ?? expect.fail())).toBe('first')
    // The other one comes by the same connection before it is ended, or finds nobody.
    void expect
      .poll(() => held.length)
      .toBe(2)
      .then(
        () => held[1]?.end('second'),
        () => {},
      )
    const second = await asked[1]?.then(text, (error: NodeJS.ErrnoException) => error.code)
    expect(['second', 'ECONNREFUSED', 'ECONNRESET']).toContain(second)
    await closed
    agent.destroy()
  })

  it('[S380] ends when the server closes although its client has never asked for anything', async () => {
    const { server } = await startHeld()
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').resume()
    await new Promise((resolve) => socket.once('connect', resolve))
    // The server has taken the connection when it has answered one that came later.
    await (await fetch(`${server.url}/healthz`)).text()
    const ended = new Promise((resolve) => socket.once('close', resolve))
    await server.close()
    await ended
  })
})
