import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

/** Longest wait for the processes to answer, ms: a busy machine needs some seconds. */
const START_MS = 120_000
const LOOK_MS = 100
const PROCESS = fileURLToPath(new URL('swift-process.py', import.meta.url))
/** Makes the rings, which say where the data is. */
const RINGS = fileURLToPath(new URL('swift-rings.py', import.meta.url))
const KINDS = ['account', 'container', 'object'] as const

/** The keys of the one person whom the server knows. */
export const SWIFT_KEYS = { accessKeyId: 'test:tester', secretAccessKey: 'testing' } as const

/** Root of the unpacked packages of Swift, which `.ci/swift.sh` prints; undefined if there is none. */
export function swiftRoot(): string | undefined {
  return process.env.SWIFT_ROOT === '' ? undefined : process.env.SWIFT_ROOT
}

/** OpenStack Swift with its S3 face: four processes on this machine, with a folder as their disk. */
export class SwiftServer {
  readonly endpoint: string
  readonly #children: readonly ChildProcess[]
  readonly #directory: string

  private constructor(endpoint: string, children: readonly ChildProcess[], directory: string) {
    this.endpoint = endpoint
    this.#children = children
    this.#directory = directory
  }

  /** Starts the processes, and resolves when they answer. Rejects with the last lines that they wrote. */
  static async start(root: string): Promise<SwiftServer> {
    const directory = await mkdtemp(join(tmpdir(), 'joinery-swift-'))
    const [proxy = 0, ...ports] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const packages = join(root, 'usr/lib/python3/dist-packages')
    const environment = {
      ...process.env,
      PYTHONPATH: packages,
      LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu'),
    }
    await mkdir(join(directory, 'devices/d1'), { recursive: true })
    const conf = join(directory, 'swift.conf')
    await writeFile(conf, '[swift-hash]\nswift_hash_path_suffix = joinery\n')
    for (const [index, kind] of KINDS.entries()) {
      const port = ports[index] ?? 0
      await writeFile(join(directory, `${kind}.conf`), storageConf(directory, kind, port))
    }
    await runToEnd('python3', [RINGS, directory, ...ports.map(String)], environment)
    await writeFile(join(directory, 'proxy.conf'), proxyConf(directory, proxy))
    const said: string[] = []
    const children = [...KINDS, 'proxy'].map((kind) => {
      const args = [PROCESS, conf, join(directory, `${kind}.conf`), `${kind}-server`]
      const child = spawn('python3', args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => said.splice(0, Math.max(0, said.push(text) - 50)))
      }
      return child
    })
    const server = new SwiftServer(`http://127.0.0.1:${proxy}`, children, directory)
    const answers = await Promise.all([proxy, ...ports].map((port) => isAnswering(port, children)))
    if (answers.every(Boolean)) return server
    await server.stop()
    throw new Error(`Swift did not start within ${START_MS} ms: ${said.join('').slice(-2_000)}`)
  }

  /** Ends the processes, and removes their files. */
  async stop(): Promise<void> {
    const running = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const exits = running.map((child) => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(exits)
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function storageConf(directory: string, kind: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
swift_dir = ${directory}
devices = ${join(directory, 'devices')}
mount_check = false
log_level = WARNING
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`
}

/** The memory cache is at a port where nobody listens: the processes do without one. */
function proxyConf(directory: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
swift_dir = ${directory}
log_level = WARNING
cors_allow_origin = *
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
min_segment_size = 1
max_upload_part_num = 10000
s3_acl = false
cors_preflight_allow_origin = *
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
max_manifest_size = 8388608
rate_limit_under_size = 0
`
}

async function runToEnd(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said}`)
}

async function isAnswering(port: number, children: readonly ChildProcess[]): Promise<boolean> {
  const endsAtMs = performance.now() + START_MS
  while (performance.now() < endsAtMs && children.every(({ exitCode }) => exitCode === null)) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthcheck`).catch(() => undefined)
    if (answer !== undefined) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return false
}
