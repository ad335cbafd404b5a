import { getBlock } from '@joinery/blocks'
import { expect, it } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { until } from '../support/until.ts'
import { startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'

const CLIENTS = 50
// With more steps, contention takes minutes on a busy machine, and shows no more.
const INCREMENTS = process.env.JOINERY_NIGHTLY ? 100 : 10
const TYPISTS = 5
const BLOCK = '/v1/workspaces/w/blocks/counter'

async function increment(url: string, name: string): Promise<number> {
  using caller = new HttpCaller(url, { 'x-joinery-actor': name })
  let conflicts = 0
  for (let done = 0; done < INCREMENTS; ) {
    let current = (await caller.call('GET', BLOCK)).json
    for (let delayMs = 4; ; delayMs = Math.min(delayMs * 2, 256)) {
      const patch = { fields: { n: current.fields.n + 1 } }
      const answer = await caller.call('PATCH', BLOCK, patch, { 'if-match': `"${current.version}"` })
      if (answer.status === 200) break
      expect(answer.json.error.code).toBe('version_conflict')
      conflicts++
      // A client that retries at once meets the same competitors again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * delayMs))
      current = (await caller.call('GET', BLOCK)).json
    }
    done++
  }
  return conflicts
}

it('[H3] fifty clients that count at once by compare-and-set lose no step, while five people type into the same block', async () => {
  await using directory = await tempDirectory()
  await using server = await startApiServer({ directory: directory.path })
  using setup = new HttpCaller(server.url)
  await setup.call('PUT', BLOCK, { type: 'counter', fields: { n: 0 } })
  const clients = await Promise.all(
    Array.from({ length: TYPISTS }, () =>
      RawClient.open({ url: `ws://127.0.0.1:${server.port}`, path: 'w', wantsJoinery: true }),
    ),
  )
  const counting = Promise.all(Array.from({ length: CLIENTS }, (_, index) => increment(server.url, `counter-${index}`)))
  let isCounting = true
  const typed = clients.map(async (client, index) => {
    let text = ''
    while (isCounting) {
      const word = `<${index}.${text.length}>`
      const content = getBlock(client.doc, 'counter')?.content
      content?.insert(content.toString().indexOf(text) < 0 ? 0 : content.length, word)
      text += word
      await until('the keystroke is durable', () => client.framesDurable === client.framesSent)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return text
  })
  const conflicts = await counting
  isCounting = false
  const texts = await Promise.all(typed)
  const { json } = await setup.call('GET', BLOCK)
  expect(json.fields.n).toBe(CLIENTS * INCREMENTS)
  for (const text of texts) {
    for (const word of text.match(/<[^>]*>/g) ?? []) expect(json.content).toContain(word)
  }
  for (const client of clients) {
    expect(client.rejections).toEqual([])
    await client.close()
  }
  console.log(
    `${CLIENTS * INCREMENTS} steps, ${conflicts.reduce((a, b) => a + b, 0)} conflicts, ${json.version} records`,
  )
})
