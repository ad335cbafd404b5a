import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { createCalls } from './calls.ts'
import { failureOf, parseRetryAfter } from './failure.ts'
import { StepError } from './step.ts'
import { WorkerError } from './worker-error.ts'

const coded = (code: string, cause?: unknown) => Object.assign(new Error('broke', { cause }), { code })

it.each<[string, unknown, string]>([
  ['any error', new Error('x'), 'transient'],
  ['a text', 'x', 'transient'],
  ['nothing', undefined, 'transient'],
  ['a class of its own', Object.assign(new Error('x'), { class: 'permanent' }), 'permanent'],
  ['an unknown class', Object.assign(new Error('x'), { class: 'fatal' }), 'transient'],
  ['a class on a plain object', { class: 'unsure' }, 'unsure'],
  ['a class in a cause', new Error('x', { cause: new StepError('throttled', 'slow') }), 'throttled'],
  ['a wait for what is not there yet', new StepError('pending', 'not paid yet'), 'pending'],
  ['status 400', { status: 400 }, 'permanent'],
  ['status 404 as statusCode', { statusCode: 404 }, 'permanent'],
  ['status 408', { status: 408 }, 'transient'],
  ['status 409', { status: 409 }, 'transient'],
  ['status 425', { status: 425 }, 'transient'],
  ['status 429 in a response', { response: { status: 429 } }, 'throttled'],
  ['status 500', { status: 500 }, 'unsure'],
  ['status 503', { status: 503 }, 'transient'],
  ['status 503 with Retry-After', { status: 503, headers: { 'retry-after': '3' } }, 'throttled'],
  ['status 504', { status: 504 }, 'unsure'],
  ['a status that is none', { status: 200 }, 'transient'],
  ['a refused connection', coded('ECONNREFUSED'), 'transient'],
  ['an unknown host', coded('ENOTFOUND'), 'transient'],
  ['a reset connection', coded('ECONNRESET'), 'unsure'],
  ['a broken socket in a cause', new TypeError('fetch failed', { cause: coded('UND_ERR_SOCKET') }), 'unsure'],
  ['a time-out', Object.assign(new Error('late'), { name: 'TimeoutError' }), 'unsure'],
  ['a fault of the definition', new WorkerError('bad_result', 'x'), 'permanent'],
])('[N9] a failure by %s has its class', (_what, error, expected) => {
  expect(failureOf(error).class).toBe(expected)
})

it('[N9] a circle of causes ends', () => {
  const error = new Error('x')
  error.cause = error
  expect(failureOf(error)).toEqual({ error: 'x', class: 'transient' })
})

it('[N9] Retry-After is passed on, as seconds and as a date', () => {
  expect(failureOf({ status: 429, headers: new Headers({ 'retry-after': '7' }) })).toMatchObject({
    retryAfterMs: 7_000,
  })
  expect(failureOf(new StepError('throttled', 'slow', { retryAfterMs: 12 }))).toMatchObject({ retryAfterMs: 12 })
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000)
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000)).toBe(0)
  expect(parseRetryAfter('soon', 0)).toBeUndefined()
})

it('[N9] a message is told with that of its cause, and is bounded', () => {
  expect(failureOf(new TypeError('fetch failed', { cause: coded('ECONNREFUSED') })).error).toBe('fetch failed: broke')
  expect(failureOf(new Error('x'.repeat(9_999))).error).toHaveLength(2_000)
})

it('[N20] a call whose connection breaks is unsure, and one that nobody takes is transient', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const http = createCalls({ key: 'k', signal: new AbortController().signal, traceparent: undefined })
  const failed = async () =>
    failureOf(
      await http.post(url).then(
        () => undefined,
        (error: unknown) => error,
      ),
    ).class
  expect(await failed()).toBe('unsure')
  await new Promise((resolve) => server.close(resolve))
  expect(await failed()).toBe('transient')
})

it('[N20] a call sends the key of the step and JSON, and gives the JSON of the answer or an error with its class', async () => {
  const { createServer: createHttp } = await import('node:http')
  const server = createHttp((request, response) => {
    const status = Number(request.url?.slice(1))
    request.resume().on('end', () => {
      response.writeHead(status, status === 429 ? { 'retry-after': '2' } : {})
      response.end(status === 204 ? undefined : JSON.stringify(request.headers))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = createCalls({ key: 'step-key', signal: new AbortController().signal, traceparent: '00-trace' })
  const { body, status } = await http.post(`${url}/200`, { body: { a: 1 } })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    'idempotency-key': 'step-key',
    'content-type': 'application/json',
    traceparent: '00-trace',
  })
  expect((await http.put(`${url}/200`, { key: 'mine' })).body).toMatchObject({ 'idempotency-key': 'mine' })
  expect((await http.get(`${url}/200`)).body).not.toHaveProperty('idempotency-key')
  expect(await http.delete(`${url}/204`)).toEqual({ status: 204, body: null })
  const error = await http.post(`${url}/429`).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'http_status', status: 429 })
  expect(failureOf(error)).toMatchObject({ class: 'throttled', retryAfterMs: 2_000 })
  await new Promise((resolve) => server.close(resolve))
})
