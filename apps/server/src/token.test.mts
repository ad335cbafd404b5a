import { parseWorkspaceName } from '@joinery/protocol'
import { createAuthenticator } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { makeToken, parseTokenRequest } from './token.mts'

const secret = 'a secret of at least thirty-two bytes'
const now = Date.UTC(2030, 0, 1)
const workspace = (name: string) => parseWorkspaceName(name) ?? expect.fail(`${name} is no workspace name`)

describe('token', () => {
  it('[A4] makes a token that the server takes for what was asked', async () => {
    const request = parseTokenRequest(
      { sub: 'ada', workspaces: 'demo, acme/*', access: 'read', sources: 'workflow_execution', expires: '8h' },
      { JOINERY_JWT_SECRET: secret },
    )
    const token = await makeToken(request, now)
    const authenticate = createAuthenticator({ secret }, { now: () => now })
    const credentials = { token, actor: undefined, source: undefined }
    const identity = await authenticate({ ...credentials, workspace: workspace('acme/plan') })
    expect(identity).toMatchObject({ actor: 'ada', access: 'read', source: 'workflow_execution' })
    await expect(authenticate({ ...credentials, workspace: workspace('other') })).rejects.toThrow('does not open')
    const later = createAuthenticator({ secret }, { now: () => now + 9 * 3_600_000 })
    await expect(later({ ...credentials, workspace: workspace('demo') })).rejects.toThrow('expired')
  })

  it.each([
    [{}, 'JOINERY_JWT_SECRET is not set', {}],
    [{ workspaces: 'demo' }, '--sub must be', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada' }, '--workspaces must be', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada', workspaces: ' , ' }, '--workspaces must be', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada', workspaces: 'a', access: 'all' }, '--access must be read or write', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada', workspaces: 'a', expires: '1y' }, '--expires must be', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada', workspaces: 'a', expires: '0s' }, '--expires must be', { JOINERY_JWT_SECRET: secret }],
    [{ sub: 'ada', workspaces: 'a', expires: '367d' }, '--expires must be', { JOINERY_JWT_SECRET: secret }],
  ])('[A5] refuses %j and says why', (options, why, environment) => {
    expect(() => parseTokenRequest(options, environment)).toThrow(why)
  })

  it('[A5] refuses what the server would not take', async () => {
    const request = {
      sub: 'ada',
      workspaces: ['demo'],
      access: 'write',
      sources: ['user_action'],
      expiresInSeconds: 60,
    } as const
    const make = (change: object) =>
      makeToken({ ...request, workspaces: ['demo'], sources: ['user_action'], secret, ...change }, now)
    await expect(make({ secret: 'short' })).rejects.toMatchObject({ code: 'usage' })
    await expect(make({ sources: ['User Action'] })).rejects.toMatchObject({ code: 'usage' })
    await expect(make({ workspaces: ['../etc'] })).rejects.toMatchObject({ code: 'usage' })
  })
})
