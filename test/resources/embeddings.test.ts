import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  ADAPTER_KINDS,
  BoardSearch,
  EmbeddingService,
  readResourcesConfig,
  Secrets,
  VectorStore,
} from '@joinery/resources'
import { LETTERS } from '@joinery/resources/search'
import { expect, it } from 'vitest'
import { tempDirectory } from '../support/temp-directory.ts'
import { EmbeddingServer } from './embedding-server.ts'

const KEY = 'key-of-the-service'
const secrets = new Secrets({ JOINERY_SECRET_EMBEDDINGS: KEY })

function configOf({ base }: { base: string }, more: object = {}) {
  const adapter = { kind: 'embeddings', base, model: 'm', ...more }
  const [first] = readResourcesConfig(JSON.stringify({ adapters: { 'embedding@1': adapter } }), ADAPTER_KINDS).adapters
  if (first === undefined) throw new Error('no adapter')
  return first.config
}

const serviceAt = (server: EmbeddingServer, more: object = {}) => new EmbeddingService(configOf(server, more), secrets)

it('[RE1] [RE3] texts go in batches, with the key of the configuration, and each has its vector', async () => {
  await using server = await EmbeddingServer.start()
  const texts = ['one', 'two', 'three', 'four', 'five']
  for (const encoding of ['float', 'base64']) {
    server.batches.length = 0
    const service = serviceAt(server, { itemsMax: 2, secret: 'embeddings', encoding })
    const vectors = await service.embed(texts)
    const expected = await LETTERS.embed(texts)
    expect(
      vectors.map((vector, at) => vector.reduce((sum, value, i) => sum + value * (expected[at]?.[i] ?? 0), 0)),
    ).toEqual(texts.map(() => expect.closeTo(1, 5)))
    expect(server.batches.map(({ length }) => length)).toEqual([2, 2, 1])
    expect(service.counts).toMatchObject({ answered: 3, texts: 5, repeats: 0 })
  }
  expect(new Set(server.bearers)).toEqual(new Set([`Bearer ${KEY}`]))
})

it.each([
  [429, '0'],
  [503, 'Thu, 01 Jan 1970 00:00:00 GMT'],
])('[RE3] a batch that is answered %i is repeated after the time that the service asks for', async (status, after) => {
  await using server = await EmbeddingServer.start()
  let refusals = 2
  server.onRequest = (_asked, response) => {
    if (refusals-- <= 0) return false
    response.writeHead(status, { 'retry-after': after }).end('{}')
    return true
  }
  const service = serviceAt(server)
  expect(await service.embed(['one'])).toHaveLength(1)
  expect(service.counts).toMatchObject({ answered: 1, repeats: 2 })
  expect(service.counts.failed.get('unavailable')).toBe(2)
})

it('[RE3] a service that asks for more patience than there is refuses at once, and says how long', async () => {
  await using server = await EmbeddingServer.start()
  server.onRequest = (_asked, response) => {
    response.writeHead(429, { 'retry-after': '120' }).end('{}')
    return true
  }
  const service = serviceAt(server)
  await expect(service.embed(['one'])).rejects.toMatchObject({
    code: 'unavailable',
    status: 429,
    retryAfterMs: 120_000,
  })
  expect(service.counts.repeats).toBe(0)
})

it.each<[string, number, string, object]>([
  ['a wrong key', 401, JSON.stringify({ error: { message: `Incorrect API key: ${KEY}` } }), { code: 'rejected' }],
  ['no such model', 404, '{"error":"model not found"}', { code: 'rejected', message: /model not found/ }],
  ['a redirect', 302, '', { code: 'rejected', message: /answered 302/ }],
  ['a page of a proxy', 200, '<html>', { code: 'unavailable', message: /no JSON/ }],
  ['a vector too few', 200, '{"data":[]}', { code: 'bad_answer', message: /0 vectors for 1 texts/ }],
])('[RE3] %s has an error with a code, and no secret in it', async (_name, status, body, expected) => {
  await using server = await EmbeddingServer.start()
  server.onRequest = (_asked, response) => {
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body)
    return true
  }
  const refused = serviceAt(server, { secret: 'embeddings' }).embed(['one'], { attempts: 1 })
  const { message, ...rest } = expected as { message?: RegExp }
  await expect(refused).rejects.toMatchObject(rest)
  await expect(refused).rejects.toThrow(message ?? /Incorrect API key: \[secret\]/)
})

it('[RE3] a service that is not there is unavailable, and the caller can stop to wait for it', async () => {
  const server = await EmbeddingServer.start()
  const service = serviceAt(server)
  await server[Symbol.asyncDispose]()
  await expect(service.embed(['one'], { attempts: 1 })).rejects.toMatchObject({ code: 'unavailable' })
  await expect(service.embed(['one'], { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone')
})

it.each([
  [{ base: 'ftp://x' }, /embedding@1\.base: must be an http or https address/],
  [{ base: 'https://ada:hunter2@x' }, /embedding@1\.base: /],
  [{ base: 'https://api.openai.com/v1' }, /base: ends before \/v1\/embeddings/],
  [{ model: '' }, /embedding@1\.model: /],
  [{ secret: 'sk-123456' }, /embedding@1\.secret: must be the name of a secret/],
  [{ itemsMax: 0 }, /embedding@1\.itemsMax: /],
  [{ key: 'hunter2' }, /embedding@1: .*key/],
])('[RE3] a configuration with %j is refused, and the field is named', (wrong, message) => {
  expect(() => configOf({ base: 'https://x' }, wrong)).toThrow(message)
  expect(() => configOf({ base: 'https://x' }, wrong)).not.toThrow(/hunter2|sk-/)
})

const pace = { part: <T>(work: () => T): T => work(), pause: async () => void (await nextTurn()) }
const TEXTS = [
  { block: 'trip', title: 'Holiday', text: 'Our budget for the holiday is limited.\nWe leave in June.' },
  { block: 'pump', title: 'Pump', text: 'The pump must be cleaned every week.' },
]
const question = (query: string, texts = TEXTS) => ({ workspace: 'w', texts, query, limit: 5 })

it('[RE9] a search without a service is by letters, says so, and has one passage of each block', async () => {
  const search = new BoardSearch()
  const found = await search.search(question('cleaned pumps'), pace)
  expect(found).toMatchObject({ by: 'letters', model: LETTERS.name, passages: 5, pending: 0, left: 0 })
  expect(found.problem).toBeUndefined()
  expect(found.matches[0]).toMatchObject({ block: 'pump', start: 0, text: 'The pump must be cleaned every week.' })
  expect((await search.search(question('zebra quantum'), pace)).matches).toEqual([])
  expect((await search.search(question('holidays'), pace)).matches[0]).toMatchObject({ block: 'trip', start: null })
})

it('[RE10] a search by meaning makes each vector once: an edit costs its own passages', async () => {
  await using server = await EmbeddingServer.start()
  await using directory = await tempDirectory()
  const open = () =>
    new BoardSearch({ meaning: { service: serviceAt(server), store: new VectorStore(directory.path) } })
  const search = open()
  const found = await search.search(question('cleaned pumps'), pace)
  expect(found).toMatchObject({ by: 'meaning', model: 'm', passages: 3, pending: 0 })
  expect(found.matches.map(({ block }) => block)).toEqual(['pump', 'trip'])
  expect(server.texts).toHaveLength(4)
  const edited = [
    { ...(TEXTS[0] as (typeof TEXTS)[0]), text: 'Our budget for the holiday is limited.\nWe leave in July.' },
    TEXTS[1] as (typeof TEXTS)[0],
  ]
  server.batches.length = 0
  await search.search(question('cleaned pumps', edited), pace)
  expect(server.texts).toEqual(['We leave in July.'])
  // Another process, on the same disk.
  server.batches.length = 0
  await open().search(question('cleaned pumps', edited), pace)
  expect(server.texts).toEqual(['cleaned pumps'])
})

it('[RE9] a search whose service fails is by letters, and says why', async () => {
  await using server = await EmbeddingServer.start()
  await using directory = await tempDirectory()
  server.onRequest = (_asked, response) => {
    response.writeHead(400).end('{"error":"out of order"}')
    return true
  }
  const meaning = { service: serviceAt(server), store: new VectorStore(directory.path) }
  const found = await new BoardSearch({ meaning }).search(question('cleaned pumps'), pace)
  expect(found).toMatchObject({ by: 'letters', problem: expect.stringMatching(/answered 400: out of order/) })
  expect(found.matches[0]?.block).toBe('pump')
})

it('[RE9] passages above the bounds are counted, and those whose vectors are not there yet', async () => {
  await using server = await EmbeddingServer.start()
  await using directory = await tempDirectory()
  const release = Promise.withResolvers<boolean>()
  server.onRequest = ({ input }) => (input.length > 1 ? release.promise : false)
  const meaning = { service: serviceAt(server, { itemsMax: 2 }), store: new VectorStore(directory.path) }
  const search = new BoardSearch({ meaning, limits: { passagesMax: 2, waitMs: 1 } })
  const first = await search.search(question('cleaned pumps'), pace)
  expect(first).toMatchObject({ by: 'letters', left: 3, problem: expect.stringMatching(/being made/) })
  release.resolve(false)
  await expect.poll(() => server.texts.length).toBe(3)
  await search.close()
  const later = new BoardSearch({ meaning, limits: { passagesMax: 2 } })
  expect(await later.search(question('cleaned pumps'), pace)).toMatchObject({ by: 'meaning', left: 1, pending: 0 })
})
