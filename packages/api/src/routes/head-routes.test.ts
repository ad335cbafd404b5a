import { generateKeyPairSync } from 'node:crypto'
import { HeadSigner, parseSignedHeads, systemClock } from '@joinery/log'
import { createAuthenticator, type Server, SignedHeads, signToken } from '@joinery/server'
import pino from 'pino'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

const signer = new HeadSigner(generateKeyPairSync('ed25519').privateKey)
const headsOf = ({ workspaces }: Server) =>
  new SignedHeads({ workspaces, signer, clock: systemClock, logger: pino({ level: 'silent' }), log: undefined })

it('[H110] a head says how far the workspace has come, in exactly these fields, and its signature is right', async () => {
  await using api = await ApiFixture.start({ headsOf })
  expect((await api.call('GET', '/head')).body.error.code).toBe('unknown_workspace')
  await api.call('PUT', '/blocks/b', { type: 'text', content: 'kept' })
  const first = await api.call('GET', '/head')
  expect(first.status).toBe(200)
  expect(Object.keys(first.body)).toEqual(['workspace', 'generation', 'lsn', 'chain', 'at', 'key', 'signature'])
  expect(parseSignedHeads(first.text)).toEqual([first.body])
  const { generation } = (await api.call('GET', '')).body
  expect(first.body).toMatchObject({ workspace: 'w', generation, lsn: 1, key: signer.key })
  await api.call('PUT', '/blocks/c', { type: 'text' })
  const second = await api.call('GET', '/head')
  expect(second.body.lsn).toBe(2)
  expect(second.body.chain).not.toBe(first.body.chain)
  expect((await api.call('GET', '/head')).body.chain).toBe(second.body.chain)
  expect((await api.call('GET', '/head?lsn=1')).status).toBe(422)
  await api.call('DELETE', '')
  expect((await api.call('GET', '/head')).body.error.code).toBe('workspace_deleted')
})

it('[H110] a server without a key says how to get one, and a head is for those who may read the workspace', async () => {
  await using keyless = await ApiFixture.start()
  await keyless.call('PUT', '/blocks/b', { type: 'text' })
  const { status, body } = await keyless.call('GET', '/head')
  expect([status, body.error.code]).toEqual([404, 'no_head_key'])
  expect(body.error.message).toContain('joinery keygen --out FILE')

  const secret = 'thirty-two bytes or more of a key'
  await using api = await ApiFixture.start({ headsOf, authenticator: createAuthenticator({ secret }) })
  const bearer = async (workspace: string, access: 'read' | 'write') => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const claims = { sub: 'ada', workspaces: [workspace], access, sources: ['user_action'], exp }
    return { authorization: `Bearer ${await signToken(secret, claims)}` }
  }
  await api.call('PUT', '/blocks/b', { type: 'text' }, await bearer('w', 'write'))
  expect((await api.call('GET', '/head', undefined, await bearer('w', 'read'))).status).toBe(200)
  expect((await api.call('GET', '/head', undefined, await bearer('other', 'read'))).status).toBe(403)
  expect((await api.call('GET', '/head')).status).toBe(401)
})
