import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runSeed } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'
import { type Description, type GeneratedRequest, type Operation, requestsOf } from './request-arbitrary.ts'
import { PLACES } from './schema-arbitrary.ts'

/** How many requests a deleted workspace gets before it is undeleted. Meanwhile it refuses everything else. */
const DELETED_FOR = 5
const WORKSPACES = ['w', 'acme%2Fdocs']
/** Operations whose answers do not end by themselves. */
const STREAMS = new Set(['streamEvents', 'streamTask'])
const REQUESTS = process.env.JOINERY_NIGHTLY ? 5_000 : 500

/** Checks that the description allows an answer. */
class AnswerCheck {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #validators = new Map<string, ValidateFunction>()
  readonly #error: ValidateFunction

  readonly #operations: ReadonlyMap<string, Operation>

  constructor({ components, paths }: Description) {
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
    this.#operations = new Map(operations.map((operation) => [operation.operationId, operation]))
    this.#error = this.#ajv.compile(components.schemas.Error ?? false)
  }

  fault(operationId: string, status: number, json: unknown): string | undefined {
    const operation = this.#operations.get(operationId)
    if (operation?.responses[status] === undefined) return `${operationId} answers ${status}, which is not described`
    const validate = status >= 400 ? this.#error : this.#validator(operation, status)
    if (validate === undefined || validate(json)) return undefined
    return `${operationId} ${status}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(json)}`
  }

  #validator(operation: Operation, status: number): ValidateFunction | undefined {
    const schema = operation.responses[status]?.content?.['application/json']?.schema
    if (schema === undefined) return undefined
    const key = `${operation.operationId} ${status}`
    const known = this.#validators.get(key) ?? this.#ajv.compile(schema)
    this.#validators.set(key, known)
    return known
  }
}

it('[H22] random requests, right and wrong, are answered as described: no 500, no broken schema, no change by a refused one', async () => {
  const seed = runSeed()
  console.log(`description: JOINERY_SEED=${seed}`)
  await using directory = await tempDirectory()
  await using server = await startApiServer({
    directory: directory.path,
    // The test sends more requests than one caller may.
    limits: { requestsPerSecond: 1e6, requestsBurst: 1e6 },
  })
  using caller = new HttpCaller(server.url, {}, 2)
  const description: Description = (await caller.call('GET', '/v1/openapi.json')).json
  const check = new AnswerCheck(description)
  const statuses = new Map<number, number>()
  const head = async (name: string): Promise<number> => {
    const { status, json } = await caller.call('GET', `/v1/workspaces/${name}`)
    expect([200, 404, 410]).toContain(status)
    return status === 410 ? -1 : (json.lsn ?? 0)
  }
  const heads = () => Promise.all(WORKSPACES.map(head))
  await caller.call('PUT', '/v1/workspaces/w/blocks/a', { type: 'text' })
  let deletedFor = 0
  const takeBack = async () => {
    for (const name of WORKSPACES) {
      expect([204, 404]).toContain((await caller.call('POST', `/v1/workspaces/${name}/undelete`)).status)
    }
  }
  const send = async ({ operationId, method, path, headers, body }: GeneratedRequest) => {
    if (deletedFor > 0 && --deletedFor === 0) await takeBack()
    const before = await heads()
    const status = await sendChecked(server.url, caller, check, { operationId, method, path, headers, body })
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (operationId === 'deleteWorkspace' && status === 204) deletedFor = DELETED_FOR
    if (status >= 400 || method === 'GET') expect(await heads()).toEqual(before)
  }
  await fc.assert(
    fc.asyncProperty(
      requestsOf(description, (path) => !isOfTasks(path)),
      send,
    ),
    {
      seed: seed | 0,
      numRuns: REQUESTS,
      endOnFailure: true,
    },
  )
  console.log(`answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`)
  // A run in which nothing got through, or nothing was refused, shows nothing.
  for (const status of [200, 404, 409, 410, 422])
    expect(statuses.get(status) ?? 0, `answers ${status}`).toBeGreaterThan(0)
})

it('[H22] random requests about tasks and by workers are answered as described, and none with 500', async () => {
  const seed = runSeed()
  console.log(`description of tasks: JOINERY_SEED=${seed}`)
  await using directory = await tempDirectory()
  await using server = await startApiServer({
    directory: directory.path,
    limits: { requestsPerSecond: 1e6, requestsBurst: 1e6 },
  })
  using caller = new HttpCaller(server.url, {}, 2)
  const description: Description = (await caller.call('GET', '/v1/openapi.json')).json
  const check = new AnswerCheck(description)
  const steps = [
    { name: 'note', kind: 'step', hasUndo: true },
    { name: 'approved', kind: 'signal' },
  ]
  const asked = { worker: 'w1', serves: [{ name: 'board', version: 1, digest: 'd', steps }], max: 1, waitMs: 0 }
  /** A task and an attempt that stand now, for the places of the generated requests. */
  const places = async () => {
    const { json } = await caller.call('POST', '/v1/workspaces/w/tasks', { saga: 'board', version: 1 })
    const { leases } = (await caller.call('POST', '/v1/work/leases', asked)).json
    return { task: String(json.task.id), lease: String(leases[0]?.token ?? 'none') }
  }
  await caller.call('POST', '/v1/work/leases', asked)
  let here = await places()
  const seen = new Set<string>()
  let sent = 0
  const send = async (request: GeneratedRequest) => {
    if (++sent % 10 === 0) here = await places()
    const path = request.path.replace(PLACES.task, here.task).replace(PLACES.lease, encodeURIComponent(here.lease))
    // A worker may wait for 25 s: that is not what this test is about.
    const body = typeof request.body === 'string' ? request.body.replace(/"waitMs":\d+/, '"waitMs":1') : request.body
    const status = await sendChecked(server.url, caller, check, { ...request, path, body })
    seen.add(`${request.operationId} ${status}`)
  }
  await fc.assert(fc.asyncProperty(requestsOf(description, isOfTasks), send), {
    seed: seed | 0,
    numRuns: REQUESTS,
    endOnFailure: true,
  })
  console.log([...seen].sort().join(', '))
  // A run in which nothing got through, or nothing was refused, shows nothing.
  for (const told of ['getTask 200', 'getTask 404', 'listTasks 200', 'startTask 422']) expect([...seen]).toContain(told)
  expect([...seen].some((told) => told.endsWith(' 202'))).toBe(true)
})

function isOfTasks(path: string): boolean {
  return /\/tasks(\/|$)|^\/v1\/work\//.test(path)
}

/** Sends a request, checks that its answer is described and no 500, and returns the status. */
async function sendChecked(
  url: string,
  caller: HttpCaller,
  check: AnswerCheck,
  { operationId, method, path, headers, body }: GeneratedRequest,
): Promise<number> {
  const { status, json } = STREAMS.has(operationId)
    ? await openStream(url, path, headers)
    : await caller.call(method, path, body, headers)
  expect(status, JSON.stringify(json)).toBeLessThan(500)
  expect(check.fault(operationId, status, json)).toBeUndefined()
  return status
}

/** The head of an event stream; the rest is not waited for. */
async function openStream(url: string, path: string, headers: Readonly<Record<string, string>>) {
  const stop = new AbortController()
  const response = await fetch(`${url}${path}`, { headers, signal: stop.signal })
  const json = response.ok ? undefined : await response.json()
  stop.abort()
  return { status: response.status, json }
}
