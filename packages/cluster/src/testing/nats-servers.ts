import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

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

/** One NATS server with JetStream, as a process on this machine, that syncs every write. */
export class NatsServer {
  readonly #process: ChildProcess
  readonly #directory: string
  readonly url: string

  private constructor(process: ChildProcess, directory: string, url: string) {
    this.#process = process
    this.#directory = directory
    this.url = url
  }

  static async start(path: string, { hasJetStream = true } = {}): Promise<NatsServer> {
    const directory = join(tmpdir(), `joinery-nats-${process.pid}-${Math.random().toString(36).slice(2)}`)
    await mkdir(directory, { recursive: true })
    const store = JSON.stringify(join(directory, 'store'))
    const config = join(directory, 'nats.conf')
    const jetStream = hasJetStream ? `jetstream { store_dir: ${store}, sync_interval: always }\n` : ''
    await writeFile(config, `listen: "127.0.0.1:-1"\n${jetStream}`)
    const child = spawn(path, ['-c', config, '--ports_file_dir', directory], { stdio: 'ignore' })
    const url = await urlOf(child, directory)
    return new NatsServer(child, directory, url)
  }

  /** Stops the server, and removes its files. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await ended
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Reads the port that the server has chosen. */
async function urlOf(child: ChildProcess, directory: string): Promise<string> {
  const endsAtMs = performance.now() + START_MS
  while (performance.now() < endsAtMs) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
    const file = (await readdir(directory)).find((name) => name.endsWith('.ports'))
    const text = file === undefined ? '' : await readFile(join(directory, file), 'utf8')
    const [url] = /nats:\/\/[^"]+/.exec(text) ?? []
    if (url !== undefined) return url
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  child.kill('SIGKILL')
  throw new Error(`nats-server did not tell its port within ${START_MS} ms`)
}
