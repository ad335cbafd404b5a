import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createBlobDoor } from './blob-door.ts'
import { DiskStore } from './disk-store.ts'
import { type BytePayer, paidBytes } from './paid-bytes.ts'

const MIB = 1024 * 1024

it('[RU15] bytes are booked as they pass, and a scope over budget gets no more until it has rested', async () => {
  const booked: number[] = []
  let looks = 0
  // Over budget after the second part, for three looks.
  const payer: BytePayer = {
    book: (_, ms) => void booked.push(ms),
    restOf: () => (booked.length === 2 && ++looks <= 3 ? 1 : 0),
  }
  async function* parts(): AsyncGenerator<Uint8Array> {
    for (const size of [MIB, 2 * MIB, 0.5 * MIB]) yield new Uint8Array(size)
  }
  const looksAt: number[] = []
  for await (const _part of paidBytes(parts(), 'a', payer)) looksAt.push(looks)
  expect(booked).toEqual([2, 4, 1])
  expect(looksAt).toEqual([0, 0, 4])
})

it('[RU15] files pay for the bytes of their uploads, for the check of them, and for those that are served', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-paid-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const booked = new Map<string, number>()
  const book = (scope: string, ms: number): void => void booked.set(scope, (booked.get(scope) ?? 0) + ms)
  const store = new DiskStore({ directory, ticketMs: 60_000, payer: { book, restOf: () => 0 } })
  const faults: unknown[] = []
  const door = createBlobDoor(store, (error) => faults.push(error))
  const server = createServer((request, response) => void door(request, response)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const bytes = Buffer.alloc(MIB, 'x')
  const scope = 'a'.repeat(32)
  const upload = { scope, key: 'k', id: 'k' }
  await store.begin(upload)
  const part = await store.urlOfPart(upload, { n: 1, bytes: MIB })
  expect((await fetch(`${base}${part.url}`, { method: 'PUT', body: bytes })).status).toBe(204)
  expect(booked).toEqual(new Map([[scope, 2]]))
  const file = { scope, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: MIB }
  await store.complete(upload, await store.parts(upload))
  await store.publish(upload, file)
  expect(booked).toEqual(new Map([[scope, 4]]))
  const { url } = await store.urlOf(file, { name: 'x', type: 'text/plain' })
  expect((await (await fetch(`${base}${url}`)).arrayBuffer()).byteLength).toBe(MIB)
  await expect.poll(() => booked).toEqual(new Map([[scope, 6]]))
  expect(faults).toEqual([])
})
