import { expect, it } from 'vitest'
import { readEmbeddings } from './embedding-answer.ts'

const wanted = { count: 2, dimensions: undefined }
const item = (index: unknown, embedding: unknown) => ({ index, embedding })
const base64 = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64')

it('[RE2] vectors are in the order of their index, of length 1, in numbers or in base64', () => {
  const data = [item(1, [0, 2]), item(0, base64(3, 4))]
  const vectors = readEmbeddings({ data }, wanted).map((vector) => [...vector].map((value) => value.toFixed(3)))
  expect(vectors).toEqual([
    ['0.600', '0.800'],
    ['0.000', '1.000'],
  ])
  expect(readEmbeddings({ data: [item(0, [0, 0])] }, { count: 1, dimensions: 2 })).toEqual([new Float32Array(2)])
})

it.each<[string, unknown, RegExp]>([
  ['null', null, /no list "data"/],
  ['no data', {}, /no list "data"/],
  ['data that is no list', { data: 'x' }, /no list "data"/],
  ['one too few', { data: [item(0, [1])] }, /1 vectors for 2 texts/],
  ['one too many', { data: [0, 1, 2].map((index) => item(index, [1])) }, /3 vectors for 2 texts/],
  ['an item that is null', { data: [null, item(1, [1])] }, /"index" that is none of 0 to 1/],
  ['no index', { data: [item(undefined, [1]), item(1, [1])] }, /"index"/],
  ['an index above', { data: [item(0, [1]), item(2, [1])] }, /"index"/],
  ['an index in between', { data: [item(0, [1]), item(0.5, [1])] }, /"index"/],
  ['an index twice', { data: [item(1, [1]), item(1, [1])] }, /index 1 twice/],
  ['no vector', { data: [item(0, undefined), item(1, [1])] }, /no vector at index 0/],
  ['an empty vector', { data: [item(0, []), item(1, [1])] }, /no vector at index 0/],
  ['other dimensions', { data: [item(0, [1, 0]), item(1, [1])] }, /1 dimensions at index 1, and not 2/],
  ['a text in a vector', { data: [item(0, [1]), item(1, ['1'])] }, /no number at index 1/],
  ['null for NaN', { data: [item(0, [1]), item(1, [null])] }, /no number at index 1/],
  ['NaN', { data: [item(0, [1]), item(1, [Number.NaN])] }, /not finite at index 1/],
  ['more than 32 bits hold', { data: [item(0, [1]), item(1, [1e300])] }, /not finite at index 1/],
  ['infinity in base64', { data: [item(0, [1]), item(1, base64(Number.POSITIVE_INFINITY))] }, /not finite at index 1/],
  ['half a float in base64', { data: [item(0, [1]), item(1, 'AAA=')] }, /no floats in base64 at index 1/],
  ['no base64', { data: [item(0, [1]), item(1, '####')] }, /no floats in base64 at index 1/],
])('[RE2] an answer with %s is refused', (_name, answer, message) => {
  expect(() => readEmbeddings(answer, wanted)).toThrow(
    expect.objectContaining({ code: 'bad_answer', class: 'permanent', message: expect.stringMatching(message) }),
  )
})

it('[RE2] the dimensions that were asked for are those of each answer', () => {
  const data = [item(0, [1, 0]), item(1, [0, 1])]
  expect(() => readEmbeddings({ data }, { count: 2, dimensions: 3 })).toThrow(/2 dimensions at index 0, and not 3/)
})
