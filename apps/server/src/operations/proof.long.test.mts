import { execFile } from 'node:child_process'
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { CommandProcess, runCommand } from '../testing/command-process.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'

const VERIFIER = fileURLToPath(new URL('../../examples/verify_history.py', import.meta.url))
const run = promisify(execFile)

async function put(url: string, block: string, content: string, workspace = 'demo'): Promise<void> {
  const answer = await fetch(`${url}/v1/workspaces/${workspace}/blocks/${block}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'text', content }),
  })
  expect(answer.ok).toBe(true)
}

async function stop(server: CommandProcess): Promise<void> {
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
}

it('[A100, A101, A102] a head of a running server holds for its data, and no more once the data was set back', async () => {
  const directory = await temporaryDirectory()
  const [data, key, head] = [join(directory, 'data'), join(directory, 'head.key'), join(directory, 'head.json')]
  const made = await runCommand(['keygen', '--out', key])
  expect([made.code, made.stderr]).toEqual([0, ''])
  expect(made.stdout).toMatch(/^[\w-]{43}\n$/)
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  expect((await runCommand(['keygen', '--out', key])).stderr).toContain('is there already')

  const serve = () =>
    new CommandProcess(['serve', '--port', '0', '--data', data, '--head-key', key, '--head-records', '2'])
  const logged = async () => (await readFile(join(data, 'HEADS'), 'utf8')).trim().split('\n')
  let server = serve()
  let url = await server.listening()
  await put(url, 'a', 'first')
  await put(url, 'b', 'second')
  await expect.poll(async () => (await logged()).filter((line) => line !== '').length).toBe(1)
  await stop(server)
  await cp(data, join(directory, 'earlier'), { recursive: true })

  server = serve()
  url = await server.listening()
  for (const n of [3, 4, 5]) await put(url, 'a', `text ${n}`)
  const text = await (await fetch(`${url}/v1/workspaces/demo/head`)).text()
  await writeFile(head, text)
  expect(JSON.parse(text)).toMatchObject({ workspace: 'demo', lsn: 5, key: made.stdout.trim() })
  const verify = (...more: string[]) => runCommand(['verify', '--data', data, '--head', head, ...more])
  const served = await verify('--key', made.stdout.trim())
  expect([served.code, served.stdout]).toEqual([0, expect.stringContaining('contained: head of demo at 5')])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toMatch(/joinery_heads_logged_total 1\n/)
  await stop(server)
  expect((await verify()).stdout).toBe(served.stdout)
  const all = await runCommand(['verify', '--data', data, '--head', join(data, 'HEADS'), '--json'])
  expect([all.code, JSON.parse(all.stdout).verdicts.length]).toEqual([0, 3])

  const heads = await readFile(join(data, 'HEADS'))
  await rm(data, { recursive: true })
  await cp(join(directory, 'earlier'), data, { recursive: true })
  const back = await verify()
  expect(back.code).toBe(1)
  expect(back.stdout).toContain('departed: head of demo at 5: the log ends at record 2')

  // The log of heads is kept elsewhere: the server that was set back contradicts it.
  await writeFile(join(data, 'HEADS'), heads)
  server = serve()
  url = await server.listening()
  await put(url, 'a', 'another third')
  await put(url, 'a', 'another fourth')
  await expect.poll(async () => (await logged()).length).toBe(4)
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/joinery_heads_contradictions_total 1\n/)
  expect(server.stderr).toContain('is not the one that the head at 5 was signed for')
  const others = await verify('--json')
  expect(JSON.parse(others.stdout).verdicts[0]).toMatchObject({ state: 'departed', from: 5, through: 5 })
  await put(url, 'a', 'another fifth')
  expect(JSON.parse((await verify('--json')).stdout).verdicts[0]).toMatchObject({
    state: 'departed',
    from: 3,
    through: 5,
  })
  await stop(server)
})

it('[A102] a stop writes the heads that are due, and a backup has the log of heads, which a restore puts back', async () => {
  const directory = await temporaryDirectory()
  const [data, key, restored] = ['data', 'head.key', 'restored'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  await runCommand(['keygen', '--out', key])
  const server = new CommandProcess(['serve', '--port', '0', '--data', data, '--head-key', key])
  const url = await server.listening()
  await put(url, 'a', 'first')
  await put(url, 'b', 'second')
  await stop(server)
  const heads = await readFile(join(data, 'HEADS'), 'utf8')
  expect(JSON.parse(heads)).toMatchObject({ workspace: 'demo', lsn: 2 })
  const backup = await runCommand(['backup', '--data', data, '--to', join(directory, 'backups')])
  expect([backup.code, backup.stderr]).toEqual([0, ''])
  expect((await runCommand(['restore', join(directory, 'backups'), '--data', restored])).code).toBe(0)
  expect(await readFile(join(restored, 'HEADS'), 'utf8')).toBe(heads)
  const verified = await runCommand(['verify', '--data', restored, '--head', join(restored, 'HEADS')])
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('contained: head of demo at 2')])
})

it('[A103] a short program in another language checks an export, and the signature of a head', async () => {
  const directory = await temporaryDirectory()
  const [data, key, head, records] = ['data', 'head.key', 'head.json', 'demo.jsonl'].map((name) =>
    join(directory, name),
  ) as [string, string, string, string]
  await runCommand(['keygen', '--out', key])
  const server = new CommandProcess(['serve', '--port', '0', '--data', data, '--head-key', key])
  const url = await server.listening()
  for (let n = 1; n <= 20; n++) await put(url, `block-${n}`, `émile 🪚 ${n}`.repeat(n * n))
  const text = await (await fetch(`${url}/v1/workspaces/demo/head`)).text()
  await writeFile(head, text)
  await put(url, 'later', 'after the head')
  const exported = await runCommand(['export', 'demo', '--data', data, '--as', 'records', '--to', records])
  expect([exported.code, exported.stdout]).toEqual([0, `wrote ${records}: 21 records\n`])
  await stop(server)

  const check = (...files: string[]) =>
    run('python3', [VERIFIER, ...files]).then(
      ({ stdout }) => stdout,
      ({ stderr }) => String(stderr),
    )
  expect(await check(records, head)).toBe('demo: 21 records, 1 heads\n')
  const lines = (await readFile(records, 'utf8')).trimEnd().split('\n')
  const write = async (name: string, changed: readonly string[]): Promise<string> => {
    await writeFile(join(directory, name), `${changed.join('\n')}\n`)
    return join(directory, name)
  }
  const other = lines.map((line, n) => (n === 5 ? line.replace('"actor":"', '"actor":"x') : line))
  expect(await check(await write('changed', other))).toContain('record 5 does not make its chain value')
  expect(await check(await write('cut', lines.toSpliced(9, 1)))).toContain('record 9 is missing')
  expect(await check(await write('short', lines.slice(0, -2)))).toMatch(/cut short|KeyError|Error/)
  const forged = { ...JSON.parse(text), lsn: 19 }
  await writeFile(head, JSON.stringify(forged))
  expect(await check(records, head)).toContain('wrong signature')
  await writeFile(head, text.replace('"workspace":"demo"', '"workspace":"other"'))
  expect(await check(records, head)).toContain('wrong signature')
})
