import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { writeControlFile } from './control-file.mts'
import { findServer } from './remote-operator.mts'

/** A server that answers a ping itself and any other request with `answer`, with its control file in a directory. */
async function findFake(answer: RequestListener) {
  const server = createServer((request, response) => {
    if (request.url === '/_control/ping') response.end('{"result":null}\n')
    else answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const directory = await temporaryDirectory()
  const { port } = server.address() as AddressInfo
  await writeControlFile(directory, { url: `http://127.0.0.1:${port}`, secret: 'x'.repeat(32) })
  return (await findServer(directory)) ?? expect.fail('not found')
}

const read = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
  for await (const _ of chunks);
}

describe('a server that is asked', () => {
  it.each<[string, RequestListener]>([
    ['before it began', (request) => request.socket.destroy()],
    ['in its middle', (_, response) => response.write('{"progress":[1,2]}\n', () => response.destroy())],
    ['without an end', (_, response) => response.end('{"progress":[1,2]}\n')],
  ])('[A44] an answer that breaks off %s is closed, and is not taken for one', async (_, answer) => {
    const operator = await findFake(answer)
    await expect(operator.verify({})).rejects.toMatchObject({ name: 'LogError', code: 'closed' })
  })

  it('[A44] an archive that breaks off is closed, and one that was stopped says by whom', async () => {
    const breaking = await findFake((_, response) => response.write('JOINERY', () => response.destroy()))
    await expect(read(breaking.archive({}, {}))).rejects.toMatchObject({ name: 'LogError', code: 'closed' })
    const stop = new AbortController()
    const silent = await findFake(() => stop.abort(new Error('enough')))
    await expect(read(silent.archive({}, { signal: stop.signal }))).rejects.toThrow('enough')
  })

  it('[A44] an error is the one that the server met', async () => {
    const operator = await findFake((_, response) =>
      response.end('{"error":{"code":"corrupted","message":"so it is"}}\n'),
    )
    await expect(operator.verify({})).rejects.toMatchObject({
      name: 'LogError',
      code: 'corrupted',
      message: 'so it is',
    })
    const refusing = await findFake((_, response) => {
      response.writeHead(409).end('{"error":{"code":"invalid","message":"no such workspace"}}')
    })
    await expect(read(refusing.archive({ workspaces: ['x'] }, {}))).rejects.toMatchObject({ code: 'invalid' })
  })
})
