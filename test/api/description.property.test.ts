import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { runSeed } from '../support/seeded-random.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { startApiServer } from './api-process.ts'
import { HttpCaller } from './http-caller.ts'
import { type Description, type GeneratedRequest, type Operation, requestsOf } from './request-arbitrary.ts'

/** How many requests a deleted workspace gets before it is undeleted. Meanwhile it refuses everything else. */
const DELETED_FOR = 5
const WORKSPACES = ['w', 'acme%2Fdocs']
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
    const isStream = operationId === 'streamEvents'
    const { status, json } = isStream
      ? await openStream(server.url, path, headers)
      : await caller.call(method, path, body, headers)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    expect(status, JSON.stringify(json)).toBeLessThan(500)
    expect(check.fault(operationId, status, json)).toBeUndefined()
    if (operationId === 'deleteWorkspace' && status === 204) deletedFor = DELETED_FOR
    if (status >= 400 || method === 'GET') expect(await heads()).toEqual(before)
  }
  await fc.assert(fc.asyncProperty(requestsOf(description), send), {
    seed: seed | 0,
    numRuns: REQUESTS,
    endOnFailure: true,
  })
  console.log(`answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}`)
  // A run in which nothing got through, or nothing was refused, shows nothing.
  for (const status of [200, 404, 409, 410, 422])
    expect(statuses.get(status) ?? 0, `answers ${status}`).toBeGreaterThan(0)
})

/** The head of an event stream; the rest is not waited for. */
async function openStream(url: string, path: string, headers: Readonly<Record<string, string>>) {
  const stop = new AbortController()
  const response = await fetch(`${url}${path}`, { headers, signal: stop.signal })
  const json = response.ok ? undefined : await response.json()
  stop.abort()
  return { status: response.status, json }
}
