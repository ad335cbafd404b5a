import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { makeHeadKey, readHeadKey } from './head-key.ts'
import { HeadSigner, isSignatureRight, parseSignedHeads, type SignedHead, signedBytes } from './signed-head.ts'

const makeDirectory = testDirectories()
const invalid = (message: RegExp) =>
  expect.objectContaining<Partial<LogError>>({
    name: 'LogError',
    code: 'invalid',
    message: expect.stringMatching(message),
  })
const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
const head = signer.sign({
  workspace: 'büro/plan 1',
  generation: 'a'.repeat(22),
  lsn: 7 as Lsn,
  chain: 'ab'.repeat(32),
  at: 1_700_000_000_000,
})

it('[L140] a head has its fields, and its signature is over the bytes that SPEC.md names', () => {
  expect(Object.keys(head)).toEqual(['workspace', 'generation', 'lsn', 'chain', 'at', 'key', 'signature'])
  const text = `JOINERY HEAD 1\n${'a'.repeat(22)}\n7\n${'ab'.repeat(32)}\n1700000000000\n${head.key}\nbüro/plan 1`
  expect(Buffer.from(signedBytes(head)).toString()).toBe(text)
  expect(isSignatureRight(head)).toBe(true)
  expect(parseSignedHeads(JSON.stringify(head))).toEqual([head])
  expect(parseSignedHeads(`${JSON.stringify(head)}\n\n${JSON.stringify(head)}\n`)).toEqual([head, head])
})

it.each<[RegExp, Partial<Record<keyof SignedHead, unknown>>]>([
  [/signature of the head is not that of its key/, { workspace: 'other' }],
  [/signature of the head is not that of its key/, { generation: 'b' }],
  [/signature of the head is not that of its key/, { lsn: 8 }],
  [/signature of the head is not that of its key/, { chain: 'cd'.repeat(32) }],
  [/signature of the head is not that of its key/, { at: 0 }],
  [
    /signature of the head is not that of its key/,
    { key: new HeadSigner(generateKeyPairSync('ed25519').privateKey).key },
  ],
  [/lsn has to be a whole number/, { lsn: 1.5 }],
  [/lsn has to be a whole number/, { lsn: '7' }],
  [/lsn is more than/, { lsn: 2 ** 50 }],
  [/workspace has to be text/, { workspace: null }],
  [/chain has to be 64 hexadecimal digits/, { chain: 'AB'.repeat(32) }],
  [/generation has to be one line/, { generation: 'a\nb' }],
  [/key has to be 32 bytes as base64url/, { key: 'short' }],
  [/signature has to be 64 bytes as base64url/, { signature: `${head.signature}=` }],
])('[L140] a changed head is refused: %s', (message, change) => {
  expect(() => parseSignedHeads(JSON.stringify({ ...head, ...change }))).toThrow(invalid(message))
})

it.each([
  [/there is no signed head/, ''],
  [/line 1 is no signed head: it is no JSON object/, 'not JSON'],
  [/the head is no signed head/, '[1]'],
  [/line 2 is no signed head/, `${JSON.stringify(head)}\n{"workspace":"a"}`],
])('[L140] a file that is no head is refused: %s', (message, text) => {
  expect(() => parseSignedHeads(text)).toThrow(invalid(message))
})

it('[L141] a new key is for its owner alone, and is read back', async () => {
  const path = join(await makeDirectory(), 'head.key')
  const key = await makeHeadKey(path)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readHeadKey(path)).key).toBe(key)
  const der = createPublicKey(await readFile(path)).export({ type: 'spki', format: 'der' })
  expect(der.subarray(-32).toString('base64url')).toBe(key)
  const before = await readFile(path)
  await expect(makeHeadKey(path)).rejects.toEqual(invalid(/is there already/))
  expect(await readFile(path)).toEqual(before)
})

it('[L141] a key that is missing, of another kind, or open to others is refused, and says what to do', async () => {
  const directory = await makeDirectory()
  const path = join(directory, 'head.key')
  await expect(readHeadKey(path)).rejects.toEqual(invalid(/there is no such file: make one with "joinery keygen/))
  await expect(readHeadKey(directory)).rejects.toEqual(invalid(/can't be read/))
  await makeHeadKey(path)
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(path, mode)
    await expect(readHeadKey(path)).rejects.toEqual(invalid(/has mode 06[0-9]{2}, so that others .* chmod 600/))
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const [text, message] of [
    [
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
      /a private key of type ec, and heads are signed with Ed25519/,
    ],
    [publicKey.export({ type: 'spki', format: 'pem' }), /holds no private key/],
    ['', /holds no private key/],
  ] as const) {
    await writeFile(path, text)
    await chmod(path, 0o600)
    await expect(readHeadKey(path)).rejects.toEqual(invalid(message))
  }
})
