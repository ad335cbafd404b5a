import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signToken } from '@joinery/server'
import { expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const SECRET = 'a secret of at least thirty-two bytes'
const env = { JOINERY_JWT_SECRET: SECRET }

async function headersOf(sub: string): Promise<Record<string, string>> {
  const exp = Math.floor(Date.now() / 1000) + 3_600
  const token = await signToken(SECRET, { sub, workspaces: ['*'], access: 'write', sources: ['user_action'], exp })
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
}

async function stop(server: CommandProcess): Promise<void> {
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
}

it('[A58] a restore of any backup keeps out those whose tokens were revoked before the newest one', async () => {
  const [data, backups, root] = await Promise.all([temporaryDirectory(), temporaryDirectory(), temporaryDirectory()])
  const serve = (directory: string) => new CommandProcess(['serve', '--port', '0', '--data', directory], { env })
  const [eve, ada, bob] = await Promise.all([headersOf('eve'), headersOf('ada'), headersOf('bob')])
  const revoke = async (sub: string) =>
    expect((await runCommand(['revoke', '--sub', sub, '--data', data])).code).toBe(0)
  const backUp = async () => (await runCommand(['backup', '--data', data, '--to', backups])).code
  const server = serve(data)
  const url = await server.listening()
  const put = { method: 'PUT', headers: bob, body: '{"type":"text"}' }
  expect((await fetch(`${url}/v1/workspaces/w/blocks/b`, put)).status).toBe(201)
  // With a running server, and without one.
  await revoke('eve')
  expect(await backUp()).toBe(0)
  await stop(server)
  await revoke('ada')
  // Names of archives tell seconds apart.
  await expect.poll(backUp).toBe(0)

  const [first, second] = (await readdir(backups)).sort()
  const restored = join(root, 'restored')
  const { code, stdout } = await runCommand(['restore', join(backups, first ?? ''), '--data', restored])
  expect([code, stdout]).toEqual([0, expect.stringContaining('revoked tokens of 2 actors')])
  const again = serve(restored)
  const at = await again.listening()
  const statusOf = async (headers: Record<string, string>) =>
    (await fetch(`${at}/v1/workspaces/w/blocks/b`, { headers })).status
  expect(await Promise.all([eve, ada, bob].map(statusOf))).toEqual([401, 401, 200])
  await stop(again)

  // Alone, the first backup has what was revoked before it. A backup beside it that can't be read is named.
  await writeFile(join(backups, second ?? ''), 'not an archive')
  const alone = await runCommand(['restore', join(backups, first ?? ''), '--data', join(root, 'alone')])
  expect([alone.code, alone.stderr]).toEqual([0, expect.stringContaining(`${second} can't be read`)])
  expect(JSON.parse(await readFile(join(root, 'alone', 'REVOKED'), 'utf8')).revoked).toMatchObject([{ actor: 'eve' }])
  await rm(join(backups, second ?? ''))

  const exported = join(root, 'w.archive')
  expect((await runCommand(['export', 'w', '--to', exported, '--data', data])).code).toBe(0)
  expect((await readFile(exported)).includes('eve')).toBe(false)
})
