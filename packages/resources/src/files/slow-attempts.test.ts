import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { S3Store } from './s3-store.ts'

const FILE = { scope: 'a'.repeat(32), sha256: 'b'.repeat(64), bytes: 5 }
const UPLOAD = { scope: FILE.scope, key: 'one', id: 'u1' }

it.each([
  [true, 'is there'],
  [false, 'is unknown'],
])('[RU6] a file that a slow attempt made (%s) while another one was about to read its parts %s', async (isMade) => {
  let looks = 0
  const server = createServer(({ method, url = '' }, response) => {
    const isFile = method === 'HEAD' && ++looks > 1 && isMade
    const isList = url.includes('uploads=')
    const status = isFile || isList || method === 'DELETE' ? 200 : 404
    response.writeHead(status, isFile ? { 'content-length': FILE.bytes } : { 'content-type': 'application/xml' })
    response.end(isList ? '<ListMultipartUploadsResult></ListMultipartUploadsResult>' : undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const store = new S3Store({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ bucket: 'files', region: 'us-east-1', isPathStyle: true, ticketMs: 60_000 },
    keys: async () => ({ accessKeyId: 'i', secretAccessKey: 'k' }),
  })
  const published = store.publish(UPLOAD, FILE)
  if (isMade) await published
  else await expect(published).rejects.toMatchObject({ code: 'unknown_upload' })
  server.closeAllConnections()
  server.close()
})
