import { createHmac } from 'node:crypto'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAuthenticator, IdentityError } from './identity.ts'

const SECRET = 'a secret of more than thirty-two bytes, for tests only'
const authenticate = createAuthenticator({ secret: SECRET })
const workspace = parseWorkspaceName('notes') as WorkspaceId
const runs = (count: number) => ({ numRuns: process.env.JOINERY_NIGHTLY ? count * 20 : count })

const base64 = (text: string) => Buffer.from(text).toString('base64url')
/** Signs a token as an issuer would, whatever the header says, so that the checks after the signature's run, too. */
const signed = (content: string) => `${content}.${createHmac('sha256', SECRET).update(content).digest('base64url')}`

/** Fails unless the outcome is an identity or a refusal of the token: no token may make the server itself fail. */
async function expectIdentityOrRefusal(token: string): Promise<void> {
  try {
    await authenticate({ token, actor: undefined, source: undefined, workspace })
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    expect(['unauthorized', 'forbidden']).toContain(error.code)
  }
}

describe('tokens off the wire', () => {
  it('[S60] a token is refused as unauthorized when it is any text at all', async () => {
    const part = fc.string({ unit: 'binary', maxLength: 40 })
    const token = fc.oneof(
      part,
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    )
    await fc.assert(fc.asyncProperty(token, expectIdentityOrRefusal), runs(500))
  })

  it('[S61] a token is refused as unauthorized when its header is any JSON and its signature is right', async () => {
    const value = fc.oneof(fc.constantFrom('HS256', 'none', ''), fc.jsonValue({ maxDepth: 2 }))
    const fields = fc.record({ alg: value, crit: value, b64: value, typ: value, kid: value }, { requiredKeys: [] })
    const header = fc.oneof(fields, fc.jsonValue()).map((json) => base64(JSON.stringify(json)))
    const content = fc.tuple(header, fc.oneof(fc.string(), fc.json())).map(([head, body]) => `${head}.${base64(body)}`)
    await fc.assert(fc.asyncProperty(content.map(signed), expectIdentityOrRefusal), runs(500))
  })

  it('[S62] a token gives an identity or a refusal when its claims are any JSON and its signature is right', async () => {
    const orJson = <Value>(value: Value) => fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, fc.jsonValue())
    const claims = fc.record(
      {
        sub: orJson('ada'),
        aud: orJson('joinery'),
        exp: orJson(4_000_000_000),
        nbf: orJson(0),
        workspaces: orJson(['*']),
        access: orJson('write'),
        sources: orJson(['user_action']),
      },
      { requiredKeys: ['aud', 'exp'] },
    )
    const content = claims.map((json) => `${base64('{"alg":"HS256"}')}.${base64(JSON.stringify(json))}`)
    await fc.assert(fc.asyncProperty(content.map(signed), expectIdentityOrRefusal), runs(500))
  })
})
