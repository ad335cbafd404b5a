import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CommandProcess, runCommand } from './testing/command-process.mts'
import { temporaryDirectory } from './testing/temporary-directory.mts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Nodes that can't read TypeScript: this one with that feature off, and the machine's own if it is old enough. */
const oldNodes: [string, string[]][] = [['without type stripping', [process.execPath, '--no-experimental-strip-types']]]
for (const directory of (process.env.PATH ?? '').split(delimiter)) {
  const node = join(directory, 'node')
  if (directory.includes('node_modules') || !isExecutable(node)) continue
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  if (/^v(18|20)\./.test(version)) oldNodes.push([version, [node]])
  break
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

describe.each(oldNodes)('main on a Node %s', (_version, node) => {
  it('[A10] hands arguments, output and exit code through', async () => {
    const help = await runCommand(['serve', '--help'], { node })
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('--durability')
    const wrong = await runCommand(['serve', '--port', 'http'], { node })
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('--port must be')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[A10] passes %s on, and ends with 0 when the server has drained',
    async (signal) => {
      const server = new CommandProcess(['serve', '--port', '0', '--data', await temporaryDirectory()], { node })
      await server.listening()
      server.child.kill(signal)
      expect(await server.ended).toBe(0)
      expect(server.stderr).toContain('"msg":"closed"')
    },
  )

  it('[A11] takes the server with it when it is killed outright', async () => {
    const directory = await temporaryDirectory()
    const server = new CommandProcess(['serve', '--port', '0', '--data', directory], { node })
    await server.listening()
    server.child.kill('SIGKILL')
    // Resolves only when the server, which shares the pipes, has ended, too.
    expect(await server.ended).toBe('SIGKILL')
    const next = new CommandProcess(['serve', '--port', '0', '--data', directory])
    await next.listening()
  })
})

describe('serve', () => {
  const read = (pid: number | undefined, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0')

  it('[A47] starts anew as the same process with bounds on its memory', async () => {
    const server = new CommandProcess(['serve', '--port', '0', '--data', await temporaryDirectory()])
    await server.listening()
    const { pid } = server.child
    expect(read(pid, 'cmdline')).toContain('--max-semi-space-size=16')
    expect(read(pid, 'environ')).toContain('MALLOC_ARENA_MAX=2')
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it.each<[string, string[], Record<string, string>]>([
    ['the command line', ['--max-semi-space-size=8'], {}],
    ['NODE_OPTIONS', [], { NODE_OPTIONS: '--max-semi-space-size=8' }],
  ])('[A47] leaves %s its choice', async (_where, nodeOptions, env) => {
    const node = [process.execPath, ...nodeOptions]
    const server = new CommandProcess(['serve', '--port', '0', '--durability', 'memory'], { node, env })
    await server.listening()
    expect(read(server.child.pid, 'cmdline')).not.toContain('--max-semi-space-size=16')
  })
})

it('[A12] npm start passes options on, and a signal to npm reaches the server', async () => {
  const directory = await temporaryDirectory()
  // Without the install that npm runs before: it would touch files that other tests use.
  const args = ['start', '--ignore-scripts', '--', '--port', '0', '--data', directory, '--durability', 'sync']
  const npm = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PORT: '1' } })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(npm, 'close').then(([code]) => code)
  onTestFinished(async () => {
    npm.kill('SIGTERM')
    await ended
  })
  while (!output.includes('listening on'))
    await Promise.race([once(npm.stdout, 'data'), ended.then(() => Promise.reject(new Error(output)))])
  expect(output).toContain(`(sync, ${directory})`)
  npm.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(output).toContain('"msg":"closed"')
})
