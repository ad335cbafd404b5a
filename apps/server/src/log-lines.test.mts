import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { openLogger } from './log-lines.mts'

const SECRETS = [
  [
    'https://b.example/k?X-Amz-Credential=AKIA1&X-Amz-Signature=0a1b2c&partNumber=1',
    ['AKIA1', '0a1b2c'],
    'partNumber=1',
  ],
  ['PUT /v1/blobs/eyJhIjoxfQ.c2lnbmF0dXJl failed', ['eyJhIjoxfQ', 'c2lnbmF0dXJl'], 'failed'],
  ['authorization: Bearer eyJhbGciOi.eyJzdWIi.sig-1', ['eyJhbGciOi', 'sig-1'], 'authorization'],
  ['GET /v1/workspaces/a/events?after=3&token=abc.def', ['abc.def'], 'after=3'],
  ['http://joe:pass%40word@proxy:4750 answered 403', ['joe', 'pass%40word'], 'answered 403'],
  ['no such key sk_live_51Habc and whsec_MfKQ9r8GKYqrTwjU+/==', ['51Habc', 'MfKQ9'], 'no such key'],
  ['the service repeats value-of-a-secret', ['value-of-a-secret'], 'repeats'],
] as const

it.each(SECRETS)('[A172] the line %j of the log has no secret', (text, secrets, kept) => {
  const lines = new PassThrough({ encoding: 'utf8' })
  const logger = openLogger('info', lines, (line) => line.replaceAll('value-of-a-secret', '[secret]'))
  logger.warn({ path: text, error: new Error(text, { cause: new Error(text) }), deep: { list: [text] } }, text)
  const line = String(lines.read())
  for (const secret of secrets) expect(line).not.toContain(secret)
  const told = JSON.parse(line) as { path: string; msg: string }
  expect(told.msg).toContain(kept)
  expect(told.msg).toContain('[secret]')
})

it('[A172] a line without secrets stays as it is', () => {
  const lines = new PassThrough({ encoding: 'utf8' })
  const about = { url: 'https://shop.example:8443/a?b=c', at: 'ada@shop.example', n: 1 }
  openLogger('info', lines, (line) => line).info(about, 'it listens')
  expect(JSON.parse(String(lines.read()))).toMatchObject({ ...about, msg: 'it listens' })
})
