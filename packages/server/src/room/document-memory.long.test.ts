import { openMemoryStore } from '@joinery/log'
import { afterEach, expect, it } from 'vitest'
import { DocumentMemory } from '../content/document-memory.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const isDurable = (client: RawClient): boolean => client.message('durable')?.frames === client.sentUpdates

it('[S199] with too many documents in memory no further one is built, those who read go on, and nothing is lost', async () => {
  const store = openMemoryStore()
  fixture = await ServerFixture.start({ store })
  const first = await fixture.client('w?joinery=1').synced()
  first.text.insert(0, 'stored')
  await first.until(() => isDurable(first))
  await fixture.close()
  fixture = await ServerFixture.start({ store, limits: { documentBytesMax: 100_000 } })
  const large = await fixture.client('large?joinery=1').synced()
  large.text.insert(0, 'x'.repeat(200_000))
  await large.until(() => isDurable(large))
  await expect.poll(() => fixture.server.load().documentBytes).toBeGreaterThan(100_000)
  const [reader, writer] = await Promise.all([fixture.client('w').synced(), fixture.client('w?joinery=1').synced()])
  expect(reader.text.toString()).toBe('stored')
  writer.text.insert(0, 'x')
  await writer.until(() => writer.closed !== undefined)
  expect(writer.closed).toMatchObject({ code: 1013, reason: expect.stringMatching(/^memory_full: /) })
  expect(reader.closed).toBeUndefined()
  const edit = { writer: { actor: 'a', source: 'user_action' }, run: () => undefined, via: 'http' }
  await expect(fixture.server.workspaces.write(W, edit)).rejects.toMatchObject({ code: 'memory_full' })
  // A document in use takes further edits, and one that nobody uses gives its place up at once.
  large.text.insert(0, 'y')
  await large.until(() => isDurable(large))
  large.ws.close()
  await expect.poll(() => fixture.server.load().documentBytes).toBe(0)
  const again = await fixture.client('w?joinery=1').synced()
  again.text.insert(0, 'more ')
  await again.until(() => isDurable(again))
  await reader.until(() => reader.text.toString() === 'more stored')
})

it('[S199] documents that are being built count with what they may take, and one that is alone may be of any size', async () => {
  fixture = await ServerFixture.start()
  const memory = new DocumentMemory(100_000)
  const done = Promise.withResolvers<string>()
  const building = memory.build(
    1_000_000,
    () => done.promise,
    () => 120_000,
  )
  const build = (bytes: number) =>
    memory.build(
      bytes,
      () => 'built',
      () => 50,
    )
  await expect(build(1)).rejects.toMatchObject({ code: 'memory_full' })
  done.resolve('built')
  await building
  // Until the documents are counted it counts with what it takes.
  expect(memory.bytes).toBe(120_000)
  memory.count(50_000)
  expect(await build(1_000)).toBe('built')
  expect(memory.bytes).toBe(50_050)
  await expect(build(10_000)).rejects.toMatchObject({ code: 'memory_full' })
  expect(memory.bytes).toBe(50_050)
  const failing = memory.build(
    1_000,
    () => Promise.reject(new Error('unreadable')),
    () => 1,
  )
  await expect(failing).rejects.toThrow('unreadable')
  expect(memory.bytes).toBe(50_050)
})

it('[S199] a document of many small values counts with them, and no longer when they are deleted', async () => {
  fixture = await ServerFixture.start()
  const client = await fixture.client('w?joinery=1').synced()
  const list = client.doc.getArray('list')
  const fill = () => list.push(Array.from({ length: 50_000 }, () => ({})))
  fill()
  const { documentBytes } = fixture.server.load()
  await expect.poll(() => fixture.server.load().documentBytes).toBeGreaterThan(3_000_000)
  expect(documentBytes).toBeLessThan(1_000_000)
  for (let round = 0; round < 4; round++) {
    list.delete(0, 50_000)
    fill()
  }
  await client.until(() => isDurable(client))
  await expect.poll(() => fixture.server.load().documentBytes).toBeLessThan(12_000_000)
})
