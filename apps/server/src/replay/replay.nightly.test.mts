import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const SHIPPED = fileURLToPath(new URL('../../traces/two-authors.json.gz', import.meta.url))
/** Directory of published histories; undefined if this machine has none. */
const TRACES = process.env.JOINERY_TRACES

/** History of two authors, who get each other's transactions through the server. */
const small = {
  endContent: 'one, two, three',
  numAgents: 2,
  txns: [
    { agent: 0, parents: [], patches: [[0, 0, 'one, thre']] },
    { agent: 1, parents: [0], patches: [[5, 0, 'two, ']] },
    {
      agent: 0,
      parents: [0],
      patches: [
        [9, 0, 'ee'],
        [9, 1, ''],
      ],
    },
  ],
}

async function traceFile(trace: unknown): Promise<string> {
  const path = join(await temporaryDirectory(), 'trace.json.gz')
  await writeFile(path, gzipSync(JSON.stringify(trace)))
  return path
}

describe('joinery replay', () => {
  it('[A16] ends with the history’s text everywhere, also after a restart, when two authors write at once', async () => {
    const scratch = await temporaryDirectory()
    const { code, stdout, stderr } = await runCommand(['replay', SHIPPED], { env: { TMPDIR: scratch } })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('content as it should be on 4 clients and on a fresh one after a restart')
    expect(stdout).toMatch(/[\d,]+ edits\/s until every one was durable/)
    expect(stdout).toMatch(/time to durable: p50 [\d.]+ ms, p99 [\d.]+ ms/)
    expect(stdout).toMatch(/[\d,]+ bytes on disk/)
    expect(await readdir(scratch)).toEqual([])
  })

  it('[A16] plays into a running server at a given speed', async () => {
    const server = new CommandProcess(['serve', '--port', '0', '--durability', 'memory'])
    const url = (await server.listening()).replace(/^http/, 'ws')
    const args = ['replay', await traceFile(small), '--url', url, '--speed', '1000', '--watchers', '1']
    const first = await runCommand(args)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('content as it should be on 3 clients and on a fresh one')
    const again = await runCommand(args)
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('name a new one with --workspace')
    expect(await runCommand([...args, '--workspace', 'elsewhere'])).toMatchObject({ code: 0 })
  })

  it('[A17] exits with 1 and names every client when the text is not the history’s end', async () => {
    const path = await traceFile({ ...small, endContent: 'one, two, four' })
    const { code, stdout, stderr } = await runCommand(['replay', path, '--watchers', '1'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^joinery: the text is not the history's end on 4 clients: author 0 \(differs from character 10 on/,
    )
    for (const client of ['author 1', 'watcher 0', 'fresh client after a restart']) expect(stderr).toContain(client)
  })

  it('[A17] exits with 1 when the server is no Joinery workspace it may write', async () => {
    const env = { JOINERY_JWT_SECRET: 'a secret of at least thirty-two bytes' }
    const server = new CommandProcess(['serve', '--port', '0', '--durability', 'memory'], { env })
    const url = (await server.listening()).replace(/^http/, 'ws')
    const { code, stderr } = await runCommand(['replay', await traceFile(small), '--url', url])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^joinery: .*token/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  it.runIf(TRACES).each(['friendsforever.json.gz', 'automerge-paper.json.gz'])(
    '[A16] ends with the published text of %s everywhere',
    async (name) => {
      const { code, stderr } = await runCommand(['replay', join(TRACES ?? '', name)])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    },
    300_000,
  )
})
