import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { Secrets } from './secrets.ts'

const directories: string[] = []

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'joinery-secrets-'))
  directories.push(made)
  return made
}

afterEach(async () => {
  for (const made of directories.splice(0)) await rm(made, { recursive: true })
})

it('[RS3] a value comes from the variable, else from its file, else from the directory', async () => {
  const JOINERY_SECRETS = await directory()
  const JOINERY_SECRET_BANK_FILE = join(JOINERY_SECRETS, 'elsewhere')
  await writeFile(join(JOINERY_SECRETS, 'bank'), 'of the directory\n', { mode: 0o600 })
  await writeFile(JOINERY_SECRET_BANK_FILE, '  of the file\n', { mode: 0o600 })
  expect(new Secrets({ JOINERY_SECRETS }).read('bank')).toBe('of the directory')
  expect(new Secrets({ JOINERY_SECRETS, JOINERY_SECRET_BANK_FILE }).read('bank')).toBe('of the file')
  const all = { JOINERY_SECRETS, JOINERY_SECRET_BANK_FILE, JOINERY_SECRET_BANK: 'of the variable' }
  expect(new Secrets(all).read('bank')).toBe('of the variable')
})

it('[RS3] a file that has changed is read anew', async () => {
  const JOINERY_SECRETS = await directory()
  const file = join(JOINERY_SECRETS, 'bank')
  const secrets = new Secrets({ JOINERY_SECRETS })
  await writeFile(file, 'before', { mode: 0o600 })
  expect(secrets.read('bank')).toBe('before')
  await writeFile(file, 'after')
  expect(secrets.read('bank')).toBe('after')
})

it('[RS3] a secret that is nowhere, empty, or readable by others is misconfigured', async () => {
  const JOINERY_SECRETS = await directory()
  const file = join(JOINERY_SECRETS, 'bank')
  await writeFile(file, 'open', { mode: 0o600 })
  await chmod(file, 0o640)
  expect(() => new Secrets({ JOINERY_SECRETS }).read('bank')).toThrow(/can be read by others: chmod 600/)
  expect(() => new Secrets({ JOINERY_SECRETS }).read('tank')).toThrow(/tank of the secret "tank" can't be read: ENOENT/)
  expect(() => new Secrets({}).read('bank')).toThrow(/no secret "bank": set JOINERY_SECRET_BANK or/)
  expect(() => new Secrets({ JOINERY_SECRET_BANK: '' }).check(['bank'])).toThrow(/"bank" is empty/)
})

it.each([
  [
    'https://b.example/k?X-Amz-Signature=0a1b&partNumber=1',
    'https://b.example/k?X-Amz-Signature=[secret]&partNumber=1',
  ],
  ['https://storage.example/k?X-Goog-Signature=0a1b', 'https://storage.example/k?X-Goog-Signature=[secret]'],
  ['GET https://x.example/?a=1&sig=ab%2Fc failed', 'GET https://x.example/?a=1&sig=[secret] failed'],
  ['https://x.example/?api_key=abc&access_token=def', 'https://x.example/?api_key=[secret]&access_token=[secret]'],
  ['authorization: Basic am9lOnBhc3N3b3Jk', 'authorization: Basic [secret]'],
  ['https://joe:pass@x.example/', 'https://[secret]@x.example/'],
  ['no such key: sk_live_51Habc', 'no such key: [secret]'],
  ['PUT /v1/blobs/eyJh.c2ln failed', 'PUT /v1/blobs/[secret] failed'],
  ['the design=sig of a token=x is kept', 'the design=sig of a token=x is kept'],
])('[RS4] of the text %j the secrets are taken out', (text, clean) => {
  expect(new Secrets({}).redact(text)).toBe(clean)
})

it('[RS4] the values that were given out are taken out of a text', () => {
  const secrets = new Secrets({ JOINERY_SECRET_BANK: 'hunter2hunter2', JOINERY_SECRET_PIN: '12' })
  secrets.check(['bank', 'pin'])
  expect(secrets.redact('12 tries with hunter2hunter2 and hunter2hunter2')).toBe('12 tries with [secret] and [secret]')
})
