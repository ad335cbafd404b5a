import { createHmac, randomBytes } from 'node:crypto'
import { SIGNATURE_LIMITS, signStandard, verify } from '@joinery/resources'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { expect, it } from 'vitest'

/** Signatures that are compared with each library. The nightly command compares 10,000. */
const SIGNATURES = process.env.JOINERY_NIGHTLY === undefined ? 100 : 3_400

const TEXTS = ['{"a":1}', '{"ä":"日本語 🎉"}', '', ' {"id":"evt_1"}\n', '{"__proto__":{}}', '"\\u0000"']
const body = (n: number): string => `${TEXTS[n % TEXTS.length]}${n % 7 === 0 ? randomBytes(9).toString('base64') : ''}`
const nowMs = Date.now()
const nowSeconds = Math.floor(nowMs / 1_000)

/** Changes one bit of a text's character, so that the text stays one. */
function mutated(text: string, n: number): string {
  if (text === '') return 'x'
  const at = n % text.length
  return `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`
}

function isTaken(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch {
    return false
  }
}

it('[RS17] Stripe’s signatures verify as by Stripe’s own library, and no mutated one does', () => {
  for (let n = 0; n < SIGNATURES; n++) {
    const [payload, secret] = [body(n) || '{}', `whsec_${randomBytes(12).toString('hex')}`]
    const header = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: nowSeconds })
    const ours = (text: string, signature: string, by: string): boolean =>
      verify('stripe', { headers: { 'stripe-signature': signature }, body: Buffer.from(text) }, [by], nowMs).verdict ===
      'good'
    const theirs = (text: string, signature: string, by: string): boolean =>
      isTaken(() => Stripe.webhooks.signature?.verifyHeader(text, signature, by, 300, undefined, nowMs))
    expect([ours(payload, header, secret), theirs(payload, header, secret)], header).toEqual([true, true])
    expect(ours(mutated(payload, n), header, secret)).toBe(false)
    expect(ours(payload, header, mutated(secret, n))).toBe(false)
    const digit = header.indexOf('v1=') + 3 + (n % 64)
    const wrong = `${header.slice(0, digit)}${header[digit] === 'a' ? 'b' : 'a'}${header.slice(digit + 1)}`
    expect([ours(payload, wrong, secret), theirs(payload, wrong, secret)]).toEqual([false, false])
    const later = header.replace(/t=\d+/, `t=${nowSeconds + 1}`)
    expect([ours(payload, later, secret), theirs(payload, later, secret)]).toEqual([false, false])
  }
})

it.each([
  ['standardwebhooks', (secret: string) => new Webhook(secret)],
  ['svix', (secret: string) => new SvixWebhook(secret)],
] as const)('[RS17] signatures of Standard Webhooks verify as by %s, and theirs by ours', (_, make) => {
  for (let n = 0; n < SIGNATURES; n++) {
    const [payload, secret, id] = [body(n), `whsec_${randomBytes(24).toString('base64')}`, `msg_${n}`]
    const library = make(secret)
    const at = new Date(nowSeconds * 1_000)
    const theirs = library.sign(id, at, payload)
    const ours = signStandard(id, nowSeconds, Buffer.from(payload), [secret])
    expect(ours['webhook-signature']).toBe(theirs)
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(nowSeconds), 'webhook-signature': theirs }
    const check = (over: object, text = payload, by = secret): string =>
      verify('standard', { headers: { ...headers, ...over }, body: Buffer.from(text) }, [by], nowMs).verdict
    expect(verify('standard', { headers, body: Buffer.from(payload) }, ['other', secret], nowMs)).toEqual({
      verdict: 'good',
      id,
    })
    // A body that is JSON is what the library gives back.
    if (isTaken(() => JSON.parse(payload))) expect(isTaken(() => library.verify(payload, ours))).toBe(true)
    expect(check({}, mutated(payload, n))).toBe('forged')
    expect(check({ 'webhook-id': `${id}x` })).toBe('forged')
    expect(check({ 'webhook-timestamp': String(nowSeconds - 1) })).toBe('forged')
    expect(check({}, payload, `whsec_${randomBytes(24).toString('base64')}`)).toBe('forged')
    expect(check({ 'webhook-timestamp': `${nowSeconds}abc` })).toBe('malformed')
    expect(check({ 'webhook-timestamp': String(nowSeconds - SIGNATURE_LIMITS.windowMs / 1_000 - 1) })).toBe('malformed')
  }
})

it('[RS17] bytes are signed, not a text: bodies that differ in invalid UTF-8 alone do not verify alike', () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`
  const signed = Buffer.from([0x22, 0xff, 0x22])
  const headers = signStandard('msg_1', nowSeconds, signed, [secret])
  expect(verify('standard', { headers, body: signed }, [secret], nowMs).verdict).toBe('good')
  expect(verify('standard', { headers, body: Buffer.from([0x22, 0xfe, 0x22]) }, [secret], nowMs).verdict).toBe('forged')
})

it('[RS17] GitHub’s signature is over the body, and its delivery is the id', () => {
  const signed = Buffer.from('{"zen":"Keep it logically awesome."}')
  const headers = {
    'x-hub-signature-256': `sha256=${createHmac('sha256', 'secret').update(signed).digest('hex')}`,
    'x-github-delivery': 'd-1',
  }
  const check = (over: object, by = 'secret') =>
    verify('github', { headers: { ...headers, ...over }, body: signed }, [by], nowMs)
  expect(check({})).toEqual({ verdict: 'good', id: 'd-1' })
  expect(check({}, 'other').verdict).toBe('forged')
  expect(check({ 'x-hub-signature-256': headers['x-hub-signature-256'].slice(0, -2) }).verdict).toBe('forged')
  expect(check({ 'x-github-delivery': undefined }).verdict).toBe('malformed')
})
