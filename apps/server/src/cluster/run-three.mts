import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/*
 * Starts a cluster of three on this machine: three NATS servers and three nodes, each a process of its own. Any of them can be
 * killed, and started again, by its name. Ctrl+C ends all of them and removes their data.
 */

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const FIND_NATS = fileURLToPath(new URL('../../../../.ci/nats-server.sh', import.meta.url))
const NAMES = ['n1', 'n2', 'n3'] as const
/** Time until three servers have chosen a leader, and until a node takes connections, ms. */
const START_MS = 60_000
const LOOK_MS = 100
/** Time that a process has for its orderly end, ms. */
const END_MS = 15_000
/** Characters of a process's last words, at most. */
const SAID_MAX = 2_000

interface Part {
  readonly child: ChildProcess
  /** Starts the same process again. Resolves with whether it is ready. */
  readonly again: () => Promise<boolean>
}

/** The processes of the cluster by their names. */
const parts = new Map<string, Part>()
let isEnding = false

/** Starts a process of the cluster, and says when it ends although nobody has asked it to. */
function start(name: string, command: string, args: readonly string[], again: Part['again']): Part {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-SAID_MAX)
  })
  child.once('exit', (code, signal) => {
    if (isEnding) return
    console.log(`${name} has ended (${signal ?? `exit ${code}`})`)
    if (signal === null && code !== 0) console.log(said.trimEnd())
  })
  const part = { child, again }
  parts.set(name, part)
  return part
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Starts three NATS servers that are one cluster. Resolves with their addresses. */
async function startNats(program: string, home: string): Promise<string[]> {
  const ports = await freePorts(NAMES.length * 2)
  const routes = ports.slice(NAMES.length).map((port) => `nats://127.0.0.1:${port}`)
  for (const [index, name] of NAMES.entries()) {
    const directory = join(home, `nats-${name}`)
    await mkdir(directory, { recursive: true })
    const config = [
      `server_name: nats-${name}`,
      `listen: "127.0.0.1:${ports[index]}"`,
      `jetstream { store_dir: ${JSON.stringify(directory)}, sync_interval: always }`,
      `cluster { name: joinery, listen: "127.0.0.1:${ports[NAMES.length + index]}", routes: ${JSON.stringify(routes)} }`,
    ]
    const file = join(directory, 'nats.conf')
    await writeFile(file, `${config.join('\n')}\n`)
    const begin = async (): Promise<boolean> => {
      start(`nats-${name}`, program, ['-c', file], begin)
      return true
    }
    await begin()
  }
  return ports.slice(0, NAMES.length).map((port) => `nats://127.0.0.1:${port}`)
}

/** Starts a node again until the NATS servers have a leader. Resolves with whether it takes connections in time. */
async function startNode(name: string, port: number, home: string, servers: readonly string[]): Promise<boolean> {
  const endsAtMs = performance.now() + START_MS
  const args = ['serve', '--port', String(port), '--data', join(home, name), '--log-level', 'error']
  const place = ['--cluster', servers.join(), '--node', name, '--advertise', `127.0.0.1:${port}`]
  const again = (): Promise<boolean> => startNode(name, port, home, servers)
  const begin = (): Part => start(name, process.execPath, [MAIN, ...args, ...place], again)
  let part = begin()
  while (performance.now() < endsAtMs) {
    if (isEnding || part.child.signalCode !== null) return false
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok) return true
    if (part.child.exitCode !== null) part = begin()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return false
}

/** Kills the process of this name, or starts it again. */
async function toggle(name: string): Promise<void> {
  const part = parts.get(name)
  if (part === undefined) return console.log(`there is no ${name}: type one of ${[...parts.keys()].join(' ')}`)
  if (part.child.exitCode === null && part.child.signalCode === null) return void part.child.kill('SIGKILL')
  console.log(`${name} is started again`)
  if (await part.again()) console.log(`${name} is back`)
}

async function endAll(home: string): Promise<void> {
  if (isEnding) return
  isEnding = true
  // The nodes first: what they still have to write goes to NATS.
  for (const kind of ['n', 'nats-']) {
    const meant = [...parts].filter(([name]) => (kind === 'n' ? !name.startsWith('nats-') : name.startsWith(kind)))
    await Promise.all(meant.map(([, { child }]) => end(child)))
  }
  await rm(home, { recursive: true, force: true })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
  await exited
  clearTimeout(timer)
}

function natsProgram(): string {
  const found = execFileSync('bash', [FIND_NATS], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
  if (found !== '') return found
  throw new Error('there is no NATS server of version 2.12 or newer: install one, or set NATS_SERVER to its path')
}

const home = await mkdtemp(join(tmpdir(), 'joinery-cluster-'))
const stopped = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.once('exit', () => {
  for (const { child } of parts.values()) child.kill('SIGKILL')
})
const asked = createInterface({ input: process.stdin })
try {
  const servers = await Promise.race([startNats(natsProgram(), home), stopped.then(() => [])])
  const ports = await freePorts(NAMES.length)
  const nodes = NAMES.map(async (name, index) => {
    if ((await startNode(name, ports[index] ?? 0, home, servers)) || isEnding) return
    throw new Error(`${name} did not take connections within ${START_MS} ms`)
  })
  await Promise.race([Promise.all(nodes), stopped])
  if (!isEnding) {
    console.log('\nThree nodes. Open the same workspace on each of them:\n')
    for (const [index, name] of NAMES.entries()) console.log(`  ${name}  http://127.0.0.1:${ports[index]}/w/demo`)
    console.log(
      '\nType the name of a process and Enter to kill it, go on typing on the others, and start it again by the same:\n',
    )
    console.log(`  ${[...parts.keys()].join(' ')}`)
    console.log(`\nWho owns what:\n\n  npx node apps/server/src/main.ts cluster status --cluster ${servers.join()}`)
    console.log('\nCtrl+C ends all of it.\n')
    asked.on('line', (line) => {
      const name = line.trim()
      if (name !== '') void toggle(name).catch((error: unknown) => console.error(`joinery: ${name}: ${String(error)}`))
    })
    await stopped
  }
} catch (error) {
  console.error(`joinery: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  asked.close()
  await endAll(home)
}
