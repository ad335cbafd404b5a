import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const SECRET = 'a secret of at least thirty-two bytes'
const env = { JOINERY_JWT_SECRET: SECRET }

async function tokenOf(sub: string, ...more: string[]): Promise<string> {
  const { code, stdout } = await runCommand(['token', '--sub', sub, '--workspaces', '*', ...more], { env })
  expect(code).toBe(0)
  return stdout.trim()
}

/** Connects as Joinery's clients do. `first` is the code of the close, or 0 when the server says hello. */
function connect(url: string, token: string) {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/demo?joinery=1&token=${token}`)
  const closed = new Promise<number>((resolve) => ws.addEventListener('close', ({ code }) => resolve(code)))
  const hello = new Promise<number>((resolve) => ws.addEventListener('message', () => resolve(0)))
  return { ws, closed, first: Promise.race([hello, closed]) }
}

it('[A53] revoke ends connections of a running server, is kept over a restart, and works without a server', async () => {
  const data = await temporaryDirectory()
  const serve = (): CommandProcess => new CommandProcess(['serve', '--port', '0', '--data', data], { env })
  let server = serve()
  let url = await server.listening()
  const [eve, ada] = await Promise.all([tokenOf('eve'), tokenOf('ada')])
  const open = connect(url, eve)
  expect(await open.first).toBe(0)
  const revoked = await runCommand(['revoke', '--sub', 'eve', '--data', data, '--json'])
  expect([revoked.code, JSON.parse(revoked.stdout).ended]).toEqual([0, 1])
  expect(await open.closed).toBe(4401)
  expect(await connect(url, eve).first).toBe(4401)
  const other = connect(url, ada)
  expect(await other.first).toBe(0)
  other.ws.close()

  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect((await runCommand(['revoke', '--sub', 'ada', '--data', data])).stdout).toContain('connections ended: 0')
  server = serve()
  url = await server.listening()
  expect(await connect(url, eve).first).toBe(4401)
  expect(await connect(url, ada).first).toBe(4401)
  const root = await tokenOf('root', '--operator')
  const over = await fetch(`${url}/v1/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
    body: '{"actor":"bob"}',
  })
  expect(over.status).toBe(200)
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)

  await writeFile(join(data, 'REVOKED'), '{"revoked":')
  const broken = await runCommand(['serve', '--port', '0', '--data', data], { env })
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('revoked tokens')])
  expect((await runCommand(['revoke', '--sub', '', '--data', data])).code).toBe(2)
  expect((await runCommand(['revoke', '--sub', 'eve', '--since', '2999-01-01', '--data', data])).code).toBe(2)
})
