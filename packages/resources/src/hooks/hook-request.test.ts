import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { answer, HOOK_LIMITS, readBody } from './hook-request.ts'

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/** Sends so many chunks, however the server answers. Resolves with the answer. */
async function send(chunks: number, headers: Record<string, string> = {}): Promise<[number | undefined, string]> {
  const server = createServer(async (request, response) => {
    const body = await readBody(request)
    if (body === undefined) answer(response, 413, 'too_large')
    else answer(response, 202, `${body.byteLength}`)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sent = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  const hasAnswer = answered.then(() => true)
  for (let n = 0, isOver = false; n < chunks && !isOver; n++) {
    if (!sent.write(CHUNK)) isOver = await Promise.race([hasAnswer, once(sent, 'drain').then(() => false)])
  }
  sent.end()
  const [response] = await answered
  return [response.statusCode, await text(response)]
}

it('[RS14] the sender of a body that is too large can read the answer, also if it does not say its length', async () => {
  const tooLarge = [413, '{"error":"too_large"}']
  // 20 MB: more than the kernels keep between both ends.
  expect(await send(320)).toEqual(tooLarge)
  expect(await send(320, { 'content-length': String(320 * CHUNK.byteLength) })).toEqual(tooLarge)
  const fitting = HOOK_LIMITS.bodyBytesMax / CHUNK.byteLength
  expect(await send(fitting)).toEqual([202, `{"${HOOK_LIMITS.bodyBytesMax}":true}`])
  expect(await send(fitting + 1)).toEqual(tooLarge)
})
