import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBlobDoor, DiskStore } from '@joinery/resources'
import { tempDirectory } from '../support/temp-directory.ts'
import type { StoreScene } from './store-scene.ts'

/** A store on a folder, whose URLs a real server answers. */
export async function openDiskScene(): Promise<StoreScene> {
  const directory = await tempDirectory()
  const signingKey = randomBytes(32)
  const faults: unknown[] = []
  const answering = new DiskStore({ directory: directory.path, ticketMs: 1, signingKey })
  const door = createBlobDoor(answering, (error) => faults.push(error))
  const server = createServer((request, response) => {
    if (!door(request, response)) response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const paths = async (): Promise<string[]> => {
    const entries = await readdir(directory.path, { recursive: true, withFileTypes: true }).catch(() => [])
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(directory.path.length + 1))
  }
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: (options) => new DiskStore({ directory: directory.path, signingKey, ...options }),
    files: paths,
    async uploads() {
      const folders = await readdir(directory.path)
      const open = await Promise.all(
        folders.map((scope) => readdir(`${directory.path}/${scope}/.uploads`).catch(() => [])),
      )
      return open.flat().length
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await directory[Symbol.asyncDispose]()
      if (faults.length > 0) throw faults[0]
    },
  }
}
