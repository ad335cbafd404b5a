import { expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

it('[A82, A22] operators list, show and release leases, with a server and without', async () => {
  const data = await temporaryDirectory()
  const leases = (...args: string[]) => runCommand(['leases', ...args, '--data', data])
  const server = new CommandProcess(['serve', '--port', '0', '--data', data])
  const url = await server.listening()
  const call = async (path: string, body?: object) => {
    const answer = await fetch(`${url}/v1/workspaces/demo/leases${path}`, {
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const name = 'import/ü "1"'
  const first = (await call('', { name, holder: 'import 7', ttlMs: 600_000 })).body
  // One request waits 25 s at most, and the commands below may take longer.
  const wait = async (): Promise<number> => {
    const { status } = await call('', { name, holder: 'import 8', ttlMs: 600_000, waitMs: 25_000 })
    return status === 409 ? wait() : status
  }
  const next = wait()
  await expect.poll(async () => (await call(`/${encodeURIComponent(name)}`)).body.waiting).toBe(1)
  const listed = async () => (await leases('list', 'demo')).stdout
  await expect.poll(listed).toMatch(/import\/ü "1" +import 7 +anonymous +\d+ .* 1\n/)
  const shown = JSON.parse((await leases('show', 'demo', name, '--json')).stdout)
  expect(shown).toMatchObject({ workspace: 'demo', name, holder: 'import 7', fence: first.fence })
  expect(shown).not.toHaveProperty('token')
  const released = await leases('release', 'demo', name)
  expect([released.code, released.stdout]).toEqual([0, expect.stringContaining('import 7 held it')])
  // The next that waits has it in the same turn, and the former holder has lost it.
  expect(await next).toBe(201)
  const lost = await call(`/${encodeURIComponent(name)}/renew`, { token: first.token })
  expect([lost.status, lost.body]).toEqual([409, { error: expect.objectContaining({ code: 'lease_lost' }) }])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  for (const [metric, value] of [
    ['leases', 1],
    ['lease_waiters', 0],
    ['leases_acquired_total', 2],
    ['leases_expired_total', 0],
    ['leases_lost_total', 1],
  ])
    expect(metrics).toMatch(new RegExp(`^joinery_${metric} ${value}$`, 'm'))

  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(JSON.parse((await leases('list', 'demo', '--json')).stdout).leases).toMatchObject([
    { name, holder: 'import 8', ttlMs: 600_000, remainingMs: 600_000 },
  ])
  expect((await leases('release', 'demo', name)).code).toBe(0)
  expect((await leases('list', 'demo')).stdout).toBe('nobody holds a lease\n')
  for (const args of [
    ['show', 'demo', name],
    ['release', 'demo', 'none'],
    ['list', 'nowhere'],
    ['list', '!leases/demo'],
  ]) {
    const refused = await leases(...args)
    expect([refused.code, refused.stderr], refused.stderr).toEqual([
      1,
      expect.stringMatching(/nobody holds|no workspace/),
    ])
  }
  expect((await leases('show', 'demo')).code).toBe(2)
})
