import { expect, it } from 'vitest'
import { deviceStorage } from '../device-storage.ts'
import { refusedWords } from './refused-words.ts'
import { TokenKeeper } from './token-keeper.ts'
import { personOf } from './token-person.ts'
import { isToken, tokenIn } from './token-text.ts'

const NOW = 1_700_000_000_000
const tokenFor = (claims: object): string => `h.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.s`
const lasting = (seconds: number): string => tokenFor({ sub: 'ada', iat: NOW / 1_000, exp: NOW / 1_000 + seconds })
const storage = () =>
  deviceStorage(() => {
    throw new DOMException('denied', 'SecurityError')
  })

it('[E90] a token is found in the fragment and in the query, and the address goes on without it', () => {
  expect(tokenIn('https://a.b/w/x?y=1#token=t.t.t&z=2')).toEqual({ token: 't.t.t', rest: '/w/x?y=1#z=2' })
  expect(tokenIn('https://a.b/w/x?token=t.t.t#z')).toEqual({ token: 't.t.t', rest: '/w/x#z' })
  expect(tokenIn('https://a.b/w/x#token=')).toEqual({ token: '', rest: '/w/x' })
  expect(tokenIn('https://a.b/w/x')).toBeUndefined()
  for (const text of ['', 'a.b', 'a.b.c d', `a.${'b'.repeat(9_000)}.c`, 7, null]) expect(isToken(text)).toBe(false)
})

it('[E91] a keeper asks for a new token once at a time, only when the present one is about to end, and keeps it when nobody gives one', async () => {
  let asked = 0
  const answers: unknown[] = [undefined, 'no token', lasting(3_600)]
  const renewal = async (): Promise<unknown> => answers[asked++]
  const keeper = new TokenKeeper({ storage: storage(), renewals: [renewal], now: () => NOW })
  try {
    keeper.take(lasting(3_600))
    expect(await keeper.fresh()).toBe(lasting(3_600))
    expect(asked).toBe(0)
    const ending = lasting(0)
    keeper.take(ending)
    expect(await Promise.all([keeper.fresh(), keeper.fresh()])).toEqual([ending, ending])
    expect(asked).toBe(1)
    expect(await keeper.fresh()).toBe(ending)
    expect(await keeper.fresh()).toBe(lasting(3_600))
  } finally {
    keeper.close()
  }
})

it('[E82] a token names its person, whatever its letters, with one colour everywhere', () => {
  const claims = btoa(unescape(encodeURIComponent(JSON.stringify({ sub: 'Zoë' }))))
  expect(personOf(`h.${claims}.s`)?.name).toBe('Zoë')
  expect(personOf(tokenFor({ sub: 'ada' }))).toEqual(personOf(tokenFor({ sub: 'ada', exp: 1 })))
  for (const token of [undefined, 'nonsense', tokenFor({}), tokenFor({ sub: 7 })])
    expect(personOf(token)).toBeUndefined()
})

it('[E84] a refusal is told with what to do', () => {
  const refused = (reason: string, code: 'unauthorized' | 'forbidden' = 'unauthorized') =>
    ({ state: 'rejected', what: 'connection', code, reason, pending: 1 }) as const
  expect(refusedWords(refused('the token has expired: get a new one'), false)).toEqual({
    title: 'Your access has ended.',
    text: 'Ask for a new link and open it in this tab. What you wrote stays on this page meanwhile, and is sent then.',
  })
  expect(refusedWords(refused('the token was revoked: get a new one'), true).title).toBe('Your access was taken back.')
  expect(refusedWords(refused('no token: put one in'), false).title).toBe('This workspace needs a key.')
  expect(refusedWords(refused('the signature is wrong'), false).text).toMatch(/^The signature is wrong\./)
  expect(refusedWords(refused('not for this workspace', 'forbidden'), false).text).toMatch(/Ask the owner/)
})
