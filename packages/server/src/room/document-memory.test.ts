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
  const done = Promise.withResolvers<void>()
  const building = memory.build(1_000_000, () => done.promise)
  await expect(memory.build(1, () => undefined)).rejects.toMatchObject({ code: 'memory_full' })
  done.resolve()
  await building
  // Until the documents are counted it still counts.
  expect(memory.isFull).toBe(true)
  memory.count(50_000)
  expect(await memory.build(1_000, () => 'built')).toBe('built')
  await expect(memory.build(10_000, () => undefined)).rejects.toMatchObject({ code: 'memory_full' })
})
