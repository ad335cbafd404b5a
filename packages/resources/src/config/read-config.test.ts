import { expect, it } from 'vitest'
import { z } from 'zod'
import type { AdapterKind } from '../adapters/adapter.ts'
import { ResourceError } from '../resource-error.ts'
import { readResourcesConfig } from './read-config.ts'
import { secretName } from './secret-name.ts'

const KIND = {
  kind: 'mail',
  config: z.strictObject({ kind: z.literal('mail'), secret: secretName, port: z.int().min(1).max(65_535) }),
  secretsOf: ({ secret }: { secret: string }) => [secret],
  open: () => {
    throw new Error('not opened')
  },
} as unknown as AdapterKind

function refusalOf(given: unknown): string {
  try {
    readResourcesConfig(typeof given === 'string' ? given : JSON.stringify(given), [KIND])
  } catch (error) {
    if (error instanceof ResourceError && error.code === 'misconfigured') return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

it.each([
  ['{ "adapters": ', /no JSON/],
  ['{\n"secret": "hunter2", }', /^the configuration is no JSON at line 2$/],
  ['[]', /^the configuration: /],
  ['null', /^the configuration: /],
  [{ adaptors: {} }, /^the configuration: .*adaptors/],
  [{ adapters: { mail: { kind: 'mail' } } }, /^adapters\.mail: .*payment@1/],
  [{ adapters: { 'mail@1': { kind: 'post' } } }, /^adapters\.mail@1\.kind: must be one of "mail"$/],
  [{ adapters: { 'mail@1': {} } }, /^adapters\.mail@1\.kind: /],
  [{ adapters: { 'mail@1': { kind: 'mail', secret: 'mail', port: 0 } } }, /^adapters\.mail@1\.port: /],
  [
    { adapters: { 'mail@1': { kind: 'mail', secret: 'mail', port: 25, password: 'hunter2' } } },
    /^adapters\.mail@1: .*password/,
  ],
])('[RS1] %j is refused, and the field is named', (given, message) => {
  const refusal = refusalOf(given)
  expect(refusal).toMatch(message)
  expect(refusal).not.toContain('hunter2')
})

const FILES = {
  ...{ kind: 's3', endpoint: 'https://s3.example', bucket: 'files', region: 'eu-central-1' },
  ...{ accessKeyId: 's3_id', secretAccessKey: 's3_key' },
}

it.each([
  [{ kind: 'disk' }, /^files\.kind: must be "s3"$/],
  [{ endpoint: 'ftp://s3.example' }, /^files\.endpoint: must be an http or https address/],
  [{ endpoint: 'https://ada:hunter2@s3.example' }, /^files\.endpoint: /],
  [{ endpoint: 's3.example' }, /^files\.endpoint: /],
  [{ bucket: 'Files' }, /^files\.bucket: must be the name of a bucket$/],
  [{ bucket: undefined }, /^files\.bucket: /],
  [{ region: 'eu central' }, /^files\.region: must be a region/],
  [{ prefix: '/' }, /^files\.prefix: /],
  [{ prefix: 'joinery' }, /^files\.prefix: .*end with a slash/],
  [{ pathStyle: 'yes' }, /^files\.pathStyle: /],
  [{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, /^files\.accessKeyId: must be the name of a secret/],
  [{ password: 'hunter2' }, /^files: .*password/],
])('[RU10] files in %j are refused, and the field is named', (wrong, message) => {
  const refusal = refusalOf({ files: { ...FILES, ...wrong } })
  expect(refusal).toMatch(message)
  expect(refusal).not.toMatch(/hunter2|AKIA/)
})

it('[RU10] the bucket of files stands in the path unless it is said otherwise', () => {
  const read = (more: object) => readResourcesConfig(JSON.stringify({ files: { ...FILES, ...more } }), []).files
  expect(read({})).toEqual({ ...FILES, pathStyle: true })
  expect(read({ pathStyle: false, prefix: 'a/b/' })).toEqual({ ...FILES, pathStyle: false, prefix: 'a/b/' })
})

it('[RS1] a configuration that fits is read, and an empty one asks for nothing', () => {
  expect(readResourcesConfig('{}', []).adapters).toEqual([])
  const config = { kind: 'mail', secret: 'mail', port: 25 }
  expect(readResourcesConfig(JSON.stringify({ adapters: { 'mail@1': config } }), [KIND]).adapters).toEqual([
    { machine: 'mail@1', kind: KIND, config },
  ])
})

it.each(['sk_live_abcdef', 'whsec_abc', 'A', '', '1a', 'a-b', 'a'.repeat(65)])(
  '[RS2] %j is no name of a secret, and is not repeated',
  (secret) => {
    const refusal = refusalOf({ adapters: { 'mail@1': { kind: 'mail', secret, port: 25 } } })
    expect(refusal).toMatch(/^adapters\.mail@1\.secret: /)
    if (secret.length > 2) expect(refusal).not.toContain(secret)
  },
)
