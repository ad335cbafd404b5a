import { once } from 'node:events'
import { request } from 'node:http'
import { createApi } from '@joinery/api'
import { documentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer, parseWorkspaceName } from '@joinery/server'
import { expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'

/** Spellings of `!work` and `!work/w` as a request's target may have them. */
const SPELLINGS = [
  ...[
    '!work',
    '%21work',
    '%2521work',
    '!work%2Fw',
    '%21work%2fw',
    '!work/w',
    'w%2F..%2F!work',
    'w/../!work',
    './!work',
  ],
  ...[
    '%2e%2e/%21work',
    'w/%2e%2e/!work',
    '//!work',
    '%00!work',
    '%20!work',
    '%EF%BC%81work',
    '%C7%83work',
    '%C0%A1work',
  ],
  ...[
    '!%77ork',
    '!work;a=1',
    '!work%23',
    'w%00%2F!work',
    '%5C!work',
    'w%5c..%5c!work',
    '!work%3Fx',
    '%u0021work',
    '+!work',
  ],
]
/** Requests that would make, change, read, delete or purge a workspace. */
const REQUESTS: readonly [method: string, rest: string, body?: string][] = [
  ['PUT', '/blocks/b', '{"type":"text","content":"x"}'],
  ['POST', '/blocks', '{"type":"text"}'],
  ['POST', '/transactions', '{"operations":[]}'],
  ['GET', '/blocks/b'],
  ['GET', ''],
  ['GET', '/events?after=0'],
  ['GET', '/history'],
  ['DELETE', ''],
  ['POST', '/undelete', '{}'],
  ['POST', '/purge', '{}'],
]

/** Sends a target as it is: `fetch` would resolve dot segments. */
async function send(url: URL, method: string, path: string, body?: string): Promise<number> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }
  const sent = request({ host: url.hostname, port: url.port, method, path, headers, agent: false })
  sent.end(body)
  const [answer] = await once(sent, 'response')
  answer.destroy()
  return answer.statusCode
}

it('[S202] no spelling of its name reaches a system log over HTTP, and no list names it', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await tempDirectory()).path
  const store = await openLevelStore({ directory, durability: 'async' })
  stack.defer(() => store.close())
  const server = createServer({
    store,
    rules: documentRules,
    request: (incoming, response) => void api.handle(incoming, response),
  })
  const api = await createApi({ workspaces: server.workspaces, durability: 'async' })
  stack.defer(() => server.close())
  stack.defer(() => api.close())
  await server.listen()
  const url = new URL(server.url)
  const entry = { update: Buffer.from('secret'), actor: 'joinery', source: 'server', connection: 'c', touched: [] }
  const logs = await Promise.all(
    ['!work', '!work/w'].map((name) => server.workspaces.openSystemLog(name, () => undefined)),
  )
  await Promise.all(logs.map((log) => log.append(entry).durable))
  expect(await send(url, 'PUT', '/v1/workspaces/w/blocks/b', REQUESTS[0]?.[2]), 'the same on a workspace').toBe(201)
  const reached: string[] = []
  for (const spelling of SPELLINGS) {
    for (const [method, rest, body] of REQUESTS) {
      const status = await send(url, method, `/v1/workspaces/${spelling}${rest}`, body)
      if (status < 400 || status >= 500) reached.push(`${method} ${spelling}${rest}: ${status}`)
    }
  }
  expect(reached).toEqual([])
  expect(logs.map(({ head, state }) => [head, state.state])).toEqual([
    [1, 'open'],
    [1, 'open'],
  ])
  expect(await Array.fromAsync(store.systemLogs())).toEqual(['!work', '!work/w'])
  const names = [...(await Array.fromAsync(store.workspaces())), ...(await Array.fromAsync(store.tombstones()))]
  expect(names.filter((name) => parseWorkspaceName(name) === undefined)).toEqual([])
  const listed = await (await fetch(`${server.url}/v1/workspaces`)).text()
  expect(listed).not.toContain('!')
})
