import { expect, it } from 'vitest'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { EmbedError, embedAnswer, parseEmbedRequest } from './embed-request.mts'
import { assertInstalled, MODEL } from './model-packages.mts'

const request = (more: object) => Buffer.from(JSON.stringify({ model: MODEL, ...more }))

it('[A136] a request has one text or several, and vectors are answered in numbers or in base64', () => {
  expect(parseEmbedRequest(request({ input: 'one' }))).toEqual({ texts: ['one'], encoding: 'float' })
  expect(parseEmbedRequest(request({ input: ['one', 'two'], encoding_format: 'base64', dimensions: 512 }))).toEqual({
    texts: ['one', 'two'],
    encoding: 'base64',
  })
  const vectors = [Float32Array.of(0.5, -2)]
  expect(embedAnswer(vectors, 3, 'float')).toMatchObject({ data: [{ index: 0, embedding: [0.5, -2] }] })
  expect(embedAnswer(vectors, 3, 'base64')).toMatchObject({
    data: [{ embedding: 'AAAAPwAAAMA=' }],
    usage: { total_tokens: 3 },
  })
})

it.each<[Buffer, number, string | null, RegExp]>([
  [Buffer.from('{'), 400, null, /no JSON/],
  [Buffer.from([0x22, 0xff, 0x22]), 400, null, /UTF-8/],
  [Buffer.from('[]'), 400, null, /^the body: /],
  [request({}), 400, 'input', /^input: must be a text/],
  [request({ input: [] }), 400, 'input', /^input: has no text/],
  [request({ input: ['a', ' '] }), 400, 'input', /^input\.1: is blank/],
  [request({ input: [[1, 2]] }), 400, 'input', /^input\.0: must be a text/],
  [request({ input: 'x'.repeat(8_193) }), 400, 'input', /8192 characters/],
  [request({ input: Array.from({ length: 257 }, () => 'a') }), 400, 'input', /256 texts/],
  [request({ input: 'a', dimensions: 3 }), 400, 'dimensions', /must be 512/],
  [request({ input: 'a', encoding_format: 'int8' }), 400, 'encoding_format', /^encoding_format: /],
  [request({ input: 'a', model: 'text-embedding-3-small' }), 404, 'model', /use "universal/],
])('[A136] request %# is refused, and the parameter is named', (bytes, status, param, message) => {
  const refused = expect.objectContaining({ status, param, message: expect.stringMatching(message) })
  expect(() => parseEmbedRequest(bytes)).toThrow(EmbedError)
  expect(() => parseEmbedRequest(bytes)).toThrow(refused)
})

it('[A137] without the packages of the model the error has the line that installs them', async () => {
  const folder = await temporaryDirectory()
  expect(() => assertInstalled(folder)).toThrow(
    expect.objectContaining({
      code: 'start',
      message: expect.stringMatching(/run "npm ci --ignore-scripts --prefix .*embed-model/),
    }),
  )
})
