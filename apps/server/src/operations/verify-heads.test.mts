import { generateKeyPairSync } from 'node:crypto'
import { appendFile, chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EventStore, HeadSigner, makeHeadKey, openLevelStore, readHeadKey, type SignedHead } from '@joinery/log'
import { expect, it, vi } from 'vitest'
import type { AppError } from '../app-error.mts'
import { openHeadLog, readHeadLogs } from '../head-log.mts'
import { parseServeConfig } from '../serve-config.mts'
import { readServedKey } from '../serve-heads.mts'
import type { Options } from '../setting.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { runVerifyHeads } from './verify-heads.mts'

const refusal = (code: AppError['code'], part: string) =>
  expect.objectContaining<Partial<AppError>>({ name: 'AppError', code, message: expect.stringContaining(part) })

async function signedHead(store: EventStore, signer: HeadSigner, workspace: string): Promise<SignedHead> {
  const log = await store.open(workspace)
  for (let n = 1; n <= 3; n++) {
    log.append({ update: new Uint8Array([0, 0]), actor: 'ada', source: 'user_action', connection: 'c', touched: [] })
  }
  const { head: lsn, generation = '' } = log
  const chain = await log.chainAt()
  await log.close()
  return signer.sign({ workspace, generation, lsn, chain, at: Date.now() })
}

/** Runs `verify --head`, and gives what it prints. */
async function verify(options: Options): Promise<{ printed: string; error: unknown }> {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    const error = await runVerifyHeads(options).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    return { printed: printed.mock.calls.flat().join('\n'), error }
  } finally {
    printed.mockRestore()
  }
}

it('[A101] verify --head says of each head whether its history is there, also once its workspace is deleted or purged', async () => {
  const directory = await temporaryDirectory()
  const [data, file, keyFile] = ['data', 'head.json', 'key'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await makeHeadKey(keyFile)
  const signer = await readHeadKey(keyFile)
  let store = await openLevelStore({ directory: data, durability: 'sync' })
  const heads = [await signedHead(store, signer, 'a'), await signedHead(store, signer, 'b')]
  await store.close()
  await writeFile(file, heads.map((head) => JSON.stringify(head)).join('\n'))
  const intact = await verify({ data, head: file, key: signer.key })
  expect(intact.error).toBeUndefined()
  expect(intact.printed).toBe(
    `contained: head of a at 3: the log has its history\ncontained: head of b at 3: the log has its history\nsigned by ${signer.key}`,
  )

  store = await openLevelStore({ directory: data, durability: 'sync' })
  await store.tombstone('a')
  await store.tombstone('b')
  await store.purge('b')
  await signedHead(store, signer, 'b')
  await store.close()
  const purged = await verify({ data, head: file, json: true })
  expect(purged.error).toEqual(refusal('failed', 'does not have the history'))
  const { contained, keys, verdicts } = JSON.parse(purged.printed)
  expect([contained, keys]).toEqual([false, [signer.key]])
  expect(
    verdicts.map(({ state, from, through }: SignedHead & { state: string; from: number; through: number }) => [
      state,
      from,
      through,
    ]),
  ).toEqual([
    ['contained', undefined, undefined],
    ['departed', 1, 3],
  ])
})

it('[A101] a file that is no head, a changed head and a foreign key are refused before anything is compared', async () => {
  const directory = await temporaryDirectory()
  const file = join(directory, 'head.json')
  const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
  const fields = { workspace: 'a', generation: 'g', lsn: 1, chain: '0'.repeat(64), at: 1 } as never
  const head = signer.sign(fields)
  const other = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
  const options = { data: join(directory, 'data'), head: file }
  const errorOf = async (text: string, more: Options = {}): Promise<unknown> => {
    await writeFile(file, text)
    return (await verify({ ...options, ...more })).error
  }
  expect((await verify(options)).error).toEqual(refusal('usage', 'there is no such file'))
  expect(await errorOf('{"workspace":"a"}')).toEqual(refusal('usage', 'is no signed head: generation has to be text'))
  expect(await errorOf(JSON.stringify({ ...head, lsn: 2 }))).toEqual(refusal('usage', 'was changed, or never signed'))
  expect(await errorOf(JSON.stringify(head), { key: other.key })).toEqual(
    refusal('usage', `not by the key given, ${other.key}`),
  )
  expect(await errorOf(JSON.stringify(head), { key: 'short' })).toEqual(
    refusal('usage', '--key must be the public key'),
  )
  // The head is one, and there is no data directory.
  expect(await errorOf(JSON.stringify(head), { key: signer.key })).toEqual(refusal('failed', 'holds no log'))
})

it('[A102] a key that is missing, of another kind or open to others ends the start, and settings are checked', async () => {
  const directory = await temporaryDirectory()
  const key = join(directory, 'head.key')
  const config = (options: Options) => parseServeConfig(options, {}, directory)
  expect(config({}).heads).toBeUndefined()
  expect(config({ headKey: 'head.key' }).heads).toEqual({
    keyFile: key,
    logFile: undefined,
    records: 1_000,
    ms: 3_600_000,
  })
  expect(() => config({ headLog: 'x' })).toThrow(refusal('usage', '--head-log needs --head-key'))
  expect(() => config({ headKey: key, headRecords: '0' })).toThrow(
    refusal('usage', '--head-records must be a whole number'),
  )
  expect(() => config({ headKey: key, headMinutes: '1e9' })).toThrow(
    refusal('usage', '--head-minutes must be a whole number'),
  )
  const start = () => readServedKey(config({ headKey: key }))
  await expect(start()).rejects.toEqual(refusal('start', 'make one with "joinery keygen'))
  await makeHeadKey(key)
  expect((await start())?.key).toMatch(/^[\w-]{43}$/)
  await chmod(key, 0o640)
  await expect(start()).rejects.toEqual(refusal('start', 'chmod 600 it'))
  expect(await readServedKey(config({}))).toBeUndefined()
})

it('[A102] the log of heads keeps whole lines over a crash, and a damaged one ends the start', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'HEADS')
  const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
  const head = (workspace: string, lsn: number) =>
    signer.sign({ workspace, generation: 'g', lsn, chain: '0'.repeat(64), at: 1 } as never)
  const log = await openHeadLog(path)
  expect(log.known).toEqual([])
  for (const each of [head('a', 1), head('b', 1), head('a', 2)]) await log.append(each)
  await log.close()
  const whole = await readFile(path, 'utf8')
  await appendFile(path, whole.slice(0, 50))
  const again = await openHeadLog(path)
  expect(again.known).toEqual([head('a', 2), head('b', 1)])
  await again.append(head('b', 2))
  await again.close()
  expect(await readFile(path, 'utf8')).toBe(`${whole}${JSON.stringify(head('b', 2))}\n`)
  for (const line of ['no JSON', '{}', '{"workspace":"a"}']) {
    await writeFile(path, `${line}\n`)
    await expect(openHeadLog(path)).rejects.toEqual(refusal('start', 'move it away, and a new one is begun'))
  }
  await rm(path)
  // A log of two heads is large here: it is put aside, and the next one begins with the last heads.
  const small = await openHeadLog(path, { bytesMax: 2 * whole.indexOf('\n') })
  for (const each of [head('a', 1), head('b', 1), head('a', 2)]) await small.append(each)
  await small.close()
  const lines = (...heads: SignedHead[]) => heads.map((each) => `${JSON.stringify(each)}\n`).join('')
  expect(await readFile(`${path}.1`, 'utf8')).toBe(lines(head('a', 1), head('b', 1)))
  expect(await readFile(path, 'utf8')).toBe(lines(head('a', 1), head('b', 1), head('a', 2)))
  expect(await readHeadLogs(path)).toBe(lines(head('a', 1), head('b', 1), head('a', 1), head('b', 1), head('a', 2)))
  // A crash has come between the two names.
  await rename(path, `${path}.next`)
  const found = await openHeadLog(path)
  expect(found.known).toEqual([head('a', 2), head('b', 1)])
  await found.close()
  await rm(path)
  await expect(openHeadLog(join(directory, 'none', 'HEADS'))).rejects.toEqual(
    refusal('failed', 'there is no such file'),
  )
})
