import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { makeToken, parseTokenRequest } from '../token.mts'
import { makeData, startServer } from './testing/running-server.mts'

const SECRET = 'a secret of at least thirty-two bytes'

describe('joinery verify', () => {
  it('[A30, A31] exits with 0 while all is intact, with a server and without, and says the same', async () => {
    const directory = await makeData()
    const alone = await runCommand(['verify', '--data', directory, '--json'])
    expect(alone).toMatchObject({ code: 0, stderr: '' })
    await startServer(directory)
    const beside = await runCommand(['verify', '--data', directory, '--json'])
    expect(beside).toMatchObject({ code: 0, stderr: '' })
    const workspaces = (stdout: string) => JSON.parse(stdout).store.workspaces
    expect(workspaces(beside.stdout)).toEqual(workspaces(alone.stdout))
    expect(workspaces(alone.stdout).map(({ workspace }: { workspace: string }) => workspace)).toEqual([
      'acme/plan',
      'demo',
    ])
    const plain = await runCommand(['verify', '--data', directory])
    expect(plain).toMatchObject({ code: 0, stdout: expect.stringMatching(/^intact: .*2 workspaces, \d+ records?/) })
  })

  it('[A30] exits with 1 and names file and workspace when a byte of what is kept is another', async () => {
    const directory = await makeData()
    const [log = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const bytes = await readFile(join(directory, log))
    bytes[300] = (bytes[300] ?? 0) ^ 1
    await writeFile(join(directory, log), bytes)
    const { code, stdout, stderr } = await runCommand(['verify', '--data', directory])
    expect(code).toBe(1)
    expect(stderr).toBe(`joinery: ${directory} is not intact: the report on stdout lists the problems\n`)
    expect(stdout).toMatch(/^NOT INTACT: /)
    expect(stdout).toContain(`file_damaged: ${log} at byte `)
    expect(await readFile(join(directory, log))).toEqual(bytes)
  })

  it('[A30] says what a damaged table took with it', async () => {
    const directory = await temporaryDirectory()
    const store = await openLevelStore({ directory, durability: 'async' })
    for (const workspace of ['demo', 'other']) {
      const log = await store.open(workspace)
      const doc = new Y.Doc()
      const stamp = { actor: 'ada', source: 'user_action', connection: 'c1', touched: [] }
      doc.on('update', (update: Uint8Array) => log.append({ ...stamp, update }))
      for (let n = 0; n < 100; n++) doc.getText('note').insert(0, `${n} `)
      await log.create()
    }
    await store.close()
    // Opening makes a table of the write-ahead log.
    await (await openLevelStore({ directory, durability: 'async' })).close()
    const [table = ''] = (await readdir(directory)).filter((name) => name.endsWith('.ldb'))
    const bytes = await readFile(join(directory, table))
    const at = Math.floor(bytes.length / 4)
    bytes[at] = (bytes[at] ?? 0) ^ 0x10
    await writeFile(join(directory, table), bytes)
    const { code, stdout } = await runCommand(['verify', '--data', directory])
    expect(code).toBe(1)
    expect(stdout).toContain(`file_damaged: ${table} at byte `)
    // The damaged block's content decides which code it is; LevelDB may also end the process that reads it.
    expect(stdout).toMatch(/\n(record_damaged|record_missing|end_lost|store_unreadable|not_looked_at): /)
  })

  it('[A30] exits with 1 and one line when there is no log, and makes none', async () => {
    const directory = await temporaryDirectory()
    const { code, stdout, stderr } = await runCommand(['verify', '--data', directory])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(`joinery: ${directory} holds no log (give the directory of a log with --data)\n`)
    expect(await readdir(directory)).toEqual([])
  })
})

describe('joinery inspect', () => {
  it('[A34] lists what is kept, with a server and without, all or one', async () => {
    const directory = await makeData()
    const alone = await runCommand(['inspect', '--data', directory])
    expect(alone.code).toBe(0)
    const [head, ...rows] = alone.stdout.trimEnd().split('\n')
    expect(head).toMatch(/^workspace +records +last written/)
    expect(rows.map((row) => row.split(/ +/)[0])).toEqual(['acme/plan', 'demo'])
    await startServer(directory)
    expect((await runCommand(['inspect', '--data', directory])).stdout).toBe(alone.stdout)
    const one = await runCommand(['inspect', 'demo', '--data', directory, '--json'])
    expect(JSON.parse(one.stdout).workspaces).toEqual([expect.objectContaining({ workspace: 'demo', firstLsn: 1 })])
    const none = await runCommand(['inspect', 'nowhere', '--data', directory])
    expect(none).toMatchObject({ code: 1, stderr: 'joinery: there is no workspace nowhere\n' })
  })
})

describe('the control file', () => {
  it('[A32] is its owner’s alone, stands while the server runs, and one left by a killed server is no obstacle', async () => {
    const directory = await makeData()
    const first = await startServer(directory)
    expect((await stat(join(directory, 'CONTROL'))).mode & 0o777).toBe(0o600)
    first.process.child.kill('SIGKILL')
    await first.process.ended
    expect(await readdir(directory)).toContain('CONTROL')
    expect(await runCommand(['verify', '--data', directory])).toMatchObject({ code: 0 })
    const second = await startServer(directory)
    expect(await runCommand(['verify', '--data', directory])).toMatchObject({ code: 0 })
    await second.stop()
    expect(await readdir(directory)).not.toContain('CONTROL')
  })

  it('[A33] opens control to its secret alone: no token does, and the secret opens nothing else', async () => {
    const directory = await temporaryDirectory()
    const env = { JOINERY_JWT_SECRET: SECRET }
    const { url } = await startServer(directory, env)
    const token = await makeToken(parseTokenRequest({ sub: 'ada', workspaces: '*' }, env), Date.now())
    const ask = (path: string, secret: string, method = 'POST') =>
      fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${secret}` } })
    const { secret } = JSON.parse(await readFile(join(directory, 'CONTROL'), 'utf8'))
    for (const wrong of [token, '', `${secret}x`, secret.slice(0, -1)]) {
      expect((await ask('/_control/verify', wrong)).status).toBe(401)
    }
    expect((await ask('/_control/ping', secret)).status).toBe(200)
    expect((await ask('/_control/ping', secret, 'GET')).status).toBe(405)
    expect((await ask('/_control/constructor', secret)).status).toBe(404)
    expect((await ask('/v1/workspaces/demo/blocks', secret, 'GET')).status).toBe(401)
  })
})
