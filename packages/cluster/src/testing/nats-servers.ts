import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'

/** Path of a NATS server: the variable NATS_SERVER, or the first one on PATH; undefined if there is none. */
export async function natsServerPath(): Promise<string | undefined> {
  const { NATS_SERVER = '', PATH = '' } = process.env
  const candidates =
    NATS_SERVER === '' ? PATH.split(delimiter).map((folder) => join(folder, 'nats-server')) : [NATS_SERVER]
  for (const candidate of candidates) {
    const isThere = await access(candidate).then(
      () => true,
      () => false,
    )
    if (isThere) return candidate
  }
  return undefined
}

/** Time until a server has told its port, ms. */
const START_MS = 60_000
const LOOK_MS = 20
/** File in which a server tells its ports. */
const PORTS = /\.ports$/

export interface NatsServerOptions {
  readonly hasJetStream?: boolean
  /** False: it syncs its disk every two minutes, as NATS does by itself. */
  readonly isSynced?: boolean
  /** Bytes that its streams may have on the disk. */
  readonly storeBytesMax?: number
}

/** One NATS server with JetStream, as a process on this machine, that syncs every write. */
export class NatsServer {
  readonly #path: string
  readonly #directory: string
  #process: ChildProcess
  #url: string

  private constructor(path: string, directory: string, process: ChildProcess, url: string) {
    this.#path = path
    this.#directory = directory
    this.#process = process
    this.#url = url
  }

  static async start(path: string, options: NatsServerOptions = {}): Promise<NatsServer> {
    const directory = join(tmpdir(), `joinery-nats-${process.pid}-${Math.random().toString(36).slice(2)}`)
    await mkdir(directory, { recursive: true })
    const { child, url } = await run(path, directory, -1, options)
    return new NatsServer(path, directory, child, url)
  }

  get url(): string {
    return this.#url
  }

  /** Address of the monitoring port. */
  async monitor(): Promise<string> {
    return await addressIn(this.#process, this.#directory, /http:\/\/[^"]+/)
  }

  /** Kills the server, and leaves its files. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  /** Starts the server again on its port, with its files. */
  async startAgain(options: NatsServerOptions = {}): Promise<void> {
    const { child, url } = await run(this.#path, this.#directory, Number(new URL(this.#url).port), options)
    this.#process = child
    this.#url = url
  }

  /** Stops the server, and removes its files. */
  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Deletes all that a NATS server has: an engine that has lost its data while nodes live. */
export async function emptyNats(url: string): Promise<void> {
  const connection = await connect({ servers: url })
  const { streams } = await jetstreamManager(connection)
  for await (const { config } of streams.list()) await streams.delete(config.name)
  await connection.close()
}

async function run(path: string, directory: string, port: number, options: NatsServerOptions) {
  const { hasJetStream = true, isSynced = true, storeBytesMax } = options
  const lines = [`listen: "127.0.0.1:${port}"`, 'http: "127.0.0.1:-1"']
  if (hasJetStream) {
    lines.push('jetstream {', `  store_dir: ${JSON.stringify(join(directory, 'store'))}`)
    if (isSynced) lines.push('  sync_interval: always')
    if (storeBytesMax !== undefined) lines.push(`  max_file_store: ${storeBytesMax}`)
    lines.push('}')
  }
  const config = join(directory, 'nats.conf')
  await writeFile(config, `${lines.join('\n')}\n`)
  for (const name of await readdir(directory)) if (PORTS.test(name)) await rm(join(directory, name))
  const child = spawn(path, ['-c', config, '--ports_file_dir', directory], { stdio: 'ignore' })
  // A test that runs out of time does not stop it.
  const onExit = (): void => void child.kill('SIGKILL')
  process.once('exit', onExit)
  child.once('exit', () => process.off('exit', onExit))
  return { child, url: await addressIn(child, directory, /nats:\/\/[^"]+/) }
}

/** Reads a port that the server has chosen. */
async function addressIn(child: ChildProcess, directory: string, pattern: RegExp): Promise<string> {
  const endsAtMs = performance.now() + START_MS
  while (performance.now() < endsAtMs) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
    const file = (await readdir(directory)).find((name) => PORTS.test(name))
    const text = file === undefined ? '' : await readFile(join(directory, file), 'utf8')
    const [url] = pattern.exec(text) ?? []
    if (url !== undefined) return url
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  child.kill('SIGKILL')
  throw new Error(`nats-server did not tell its port within ${START_MS} ms`)
}
