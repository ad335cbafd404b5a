import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createBlobDoor } from './blob-door.ts'
import { DiskStore } from './disk-store.ts'
import { scopeOf } from './upload-plan.ts'

const BYTES = Buffer.from('bytes')
const FILE = { scope: scopeOf('w'), sha256: createHash('sha256').update(BYTES).digest('hex'), bytes: BYTES.length }
const KEY = Buffer.from('one key')

it('[RU14] a store copies a file that another one has, once for all who ask, and keeps no bytes of another digest', async () => {
  const home = await mkdtemp(join(tmpdir(), 'joinery-files-'))
  const folder = join(home, 'theirs', FILE.scope)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, FILE.sha256), BYTES)
  const theirs = new DiskStore({ directory: join(home, 'theirs'), ticketMs: 1_000, signingKey: KEY })
  const door = createBlobDoor(theirs, () => undefined)
  const server = createServer((request, response) => void door(request, response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const paths: string[] = []
  const ours = (signingKey: Buffer) =>
    new DiskStore({
      ...{ directory: join(home, 'ours'), ticketMs: 1_000, signingKey },
      elsewhere: async (path) => {
        paths.push(path)
        const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)
        return answer.status === 200 ? (answer.body ?? undefined) : undefined
      },
    })
  try {
    expect(await ours(Buffer.from('another key')).has(FILE)).toBe(false)
    const store = ours(KEY)
    expect(await store.has({ ...FILE, sha256: 'b'.repeat(64) })).toBe(false)
    paths.length = 0
    expect(await Promise.all([store.has(FILE), store.has(FILE)])).toEqual([true, true])
    expect(await store.has(FILE)).toBe(true)
    expect(paths).toHaveLength(1)
    await rm(join(home, 'ours', FILE.scope, FILE.sha256))
    await writeFile(join(folder, FILE.sha256), 'other')
    await expect(store.has(FILE)).rejects.toMatchObject({ code: 'wrong_digest' })
    expect(await readdir(join(home, 'ours', FILE.scope))).toEqual([])
  } finally {
    server.close()
    await rm(home, { recursive: true, force: true })
  }
})
