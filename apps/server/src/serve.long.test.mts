import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectWorkspace } from '@joinery/client'
import { openLevelStore } from '@joinery/log'
import { describe, expect, it } from 'vitest'
import { CommandProcess, runCommand } from './testing/command-process.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'
import { makeToken, parseTokenRequest } from './token.mts'

const serve = (directory: string, ...more: string[]) => ['serve', '--port', '0', '--data', directory, ...more]
const websocket = (url: string) => url.replace(/^http/, 'ws')

describe('joinery serve', () => {
  it('[A6] says listening in one line on stdout when it takes connections, and logs JSON lines to stderr', async () => {
    const server = new CommandProcess(serve(await temporaryDirectory()))
    const url = await server.listening()
    expect(server.stdout).toMatch(/^joinery listening on http:\/\/127\.0\.0\.1:\d+ .*\n$/)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const lines = server.stderr.trim().split('\n')
    const words = lines.filter((line) => !line.startsWith('{'))
    expect(words).toEqual([expect.stringMatching(/^joinery: development mode: /)])
    const logs = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).msg)
    expect(logs).toEqual(expect.arrayContaining(['listening', 'draining', 'closed']))
  })

  it('[A50] goes on after a power cut that has left noise at the end of the database’s list of files, and logs that', async () => {
    const directory = await temporaryDirectory()
    await (await openLevelStore({ directory, durability: 'async' })).close()
    const manifest = (await readFile(join(directory, 'CURRENT'), 'utf8')).trim()
    // An entry of 20 bytes that does not match its checksum.
    await appendFile(join(directory, manifest), Buffer.from([1, 2, 3, 4, 20, 0, 1, ...Array(20).fill(7)]))
    const server = new CommandProcess(serve(directory))
    await server.listening()
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const logs = server.stderr.split('\n').filter((line) => line.startsWith('{'))
    const said = logs.map((line) => JSON.parse(line)).find(({ keptIn }) => keptIn !== undefined)
    expect(said).toMatchObject({ level: 40, manifest, bytes: 27, keptIn: expect.stringContaining('.torn-') })
    expect(await readdir(directory)).toContain(said.keptIn)
  })

  it('[A23] a block written by HTTP is on every socket, and one written by a socket is answered by HTTP', async () => {
    const server = new CommandProcess(serve(await temporaryDirectory()))
    const url = await server.listening()
    const reader = connectWorkspace({ url: websocket(url), workspace: 'demo' })
    await reader.whenSynced
    const written = await fetch(`${url}/v1/workspaces/demo/blocks/note`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'text', content: 'by curl' }),
    })
    expect(written.status).toBeLessThan(300)
    await expect.poll(() => reader.blocks.get('note')?.content.toString()).toBe('by curl')
    reader.blocks.get('note')?.content.insert(0, 'seen ')
    await reader.whenDurable()
    const block = await fetch(`${url}/v1/workspaces/demo/blocks/note`)
    expect(await block.json()).toMatchObject({ content: 'seen by curl' })
    await reader.close()
  })

  it('[A24] /w/<workspace> is the editor’s page, and the scripts it names are there', async () => {
    const server = new CommandProcess(serve(await temporaryDirectory()))
    const url = await server.listening()
    const page = await fetch(`${url}/w/demo`)
    const html = await page.text()
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1]
    expect((await fetch(`${url}${script}`)).status).toBe(200)
    expect((await fetch(`${url}/assets/none.js`)).status).toBe(404)
  })

  it('[A22] /metrics counts what clients did when they did it', async () => {
    const server = new CommandProcess(serve(await temporaryDirectory()))
    const url = await server.listening()
    const writer = connectWorkspace({ url: websocket(url), workspace: 'demo' })
    await writer.whenSynced
    writer.doc.getText('note').insert(0, 'counted')
    await writer.whenDurable()
    const metrics = await fetch(`${url}/metrics`)
    const text = await metrics.text()
    await writer.close()
    expect(metrics.headers.get('content-type')).toContain('text/plain')
    expect(text).toContain('joinery_records_total 1\n')
    expect(text).toContain('joinery_connections 1\n')
    expect(text).toContain('joinery_storage_writable 1\n')
    expect(text).toContain('joinery_quarantined_workspaces 0\n')
  })

  it.each([
    ['0', 200, { status: 'ready', reasons: [], storage: 'open', quarantined: 0, tasks: { open: 0, unreadable: 0 } }],
    ['999999999', 503, { status: 'not_ready', reasons: [expect.stringMatching(/^disk: /)] }],
  ])('[A42] /readyz says whether traffic may come when %s megabytes have to be free', async (free, status, body) => {
    const server = new CommandProcess(serve(await temporaryDirectory(), '--disk-free', free))
    const url = await server.listening()
    const answer = await fetch(`${url}/readyz`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, expect.stringContaining('json')])
    const disk = { freeBytes: expect.any(Number), freeBytesMin: Number(free) * 1_000_000 }
    expect(await answer.json()).toMatchObject({ ...body, disk })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[A7] drains and exits with 0 on %s, and what was acknowledged is there after the next start',
    async (signal) => {
      const directory = await temporaryDirectory()
      const first = new CommandProcess(serve(directory))
      const writer = connectWorkspace({ url: websocket(await first.listening()), workspace: 'demo' })
      await writer.whenSynced
      writer.doc.getText('note').insert(0, 'kept')
      await writer.whenDurable()
      // The writer is still connected: a drain does not wait for clients to disconnect by themselves.
      first.child.kill(signal)
      expect(await first.ended).toBe(0)
      await writer.close()

      const second = new CommandProcess(serve(directory))
      const reader = connectWorkspace({ url: websocket(await second.listening()), workspace: 'demo' })
      await reader.whenSynced
      expect(reader.doc.getText('note').toString()).toBe('kept')
      await reader.close()
    },
  )

  it('[A48] drops what --keep-history lets go once a snapshot stands for it, and the content stays', async () => {
    const directory = await temporaryDirectory()
    for (const run of [1, 2]) {
      const server = new CommandProcess(serve(directory, '--keep-history', '3'))
      const writer = connectWorkspace({ url: websocket(await server.listening()), workspace: 'demo' })
      await writer.whenSynced
      const text = writer.doc.getText('note')
      expect(text.toString()).toBe('x'.repeat(20 * (run - 1)))
      for (let edit = 0; edit < 20; edit++) {
        text.insert(0, 'x')
        // Waits, so that each edit is a record of its own.
        await writer.whenDurable()
      }
      // A room takes a snapshot when it closes.
      server.child.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      await writer.close()
    }
    const store = await openLevelStore({ directory, durability: 'async' })
    const log = await store.open('demo')
    expect([log.head, log.firstLsn]).toEqual([40, 21])
    await log.close()
    await store.close()
  })

  it('[A7] exits with 0 when the signal comes while it starts', async () => {
    const server = new CommandProcess(serve(await temporaryDirectory()))
    await server.listening()
    server.child.kill('SIGTERM')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('[A8] says in one line what to do and exits with 1 when the port is taken', async () => {
    const first = new CommandProcess(serve(await temporaryDirectory()))
    const { port } = new URL(await first.listening())
    const second = await runCommand([
      'serve',
      '--port',
      port,
      '--data',
      await temporaryDirectory(),
      '--log-level',
      'silent',
    ])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toBe(
      `joinery: port ${port} of 127.0.0.1 is taken: stop the program that listens on it, or choose another with --port\n`,
    )
  })

  it('[A8] says in one line what to do and exits with 1 when the data directory is in use', async () => {
    const directory = await temporaryDirectory()
    await new CommandProcess(serve(directory)).listening()
    const second = await runCommand(serve(directory, '--log-level', 'silent'))
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^joinery: data directory .*\(stop the server that uses it.*\n$/)
    expect(second.stderr.trim()).not.toContain('\n')
  })

  it('[A8] touches nothing and exits with 1 when the data directory is somebody else’s', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'holiday.jpg'), 'not a log')
    const { code, stderr } = await runCommand(serve(directory, '--log-level', 'silent'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^joinery: data directory .*\(give a new or empty directory with --data\)\n$/)
  })

  it('[A8] exits with 1 when the secret is too short to be one', async () => {
    const env = { JOINERY_JWT_SECRET: 'short' }
    const { code, stderr } = await runCommand(serve(await temporaryDirectory()), { env })
    expect(code).toBe(1)
    expect(stderr).toContain('at least 32')
    expect(stderr).not.toContain('    at ')
  })

  it('[A3, A4] lets in only who has a token of its secret when it has one', async () => {
    const env = { JOINERY_JWT_SECRET: 'a secret of at least thirty-two bytes' }
    const server = new CommandProcess(serve(await temporaryDirectory()), { env })
    const url = websocket(await server.listening())
    const token = await makeToken(parseTokenRequest({ sub: 'ada', workspaces: 'demo' }, env), Date.now())
    const ada = connectWorkspace({ url, workspace: 'demo', token })
    await ada.whenSynced
    await ada.close()
    const nobody = connectWorkspace({ url, workspace: 'demo' })
    await expect(nobody.whenSynced).rejects.toMatchObject({ code: 'unauthorized' })
    await nobody.close()
    expect(server.stderr).not.toContain('development mode')
  })
})
