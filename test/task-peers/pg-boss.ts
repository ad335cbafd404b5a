import { execFile } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startReadyChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import type { Contestant, End, Ground } from './contestant.ts'
import { requirePeer } from './packages.ts'
import { PeerWorker } from './peer-worker.ts'

const run = promisify(execFile)
/** PostgreSQL does not run as root. */
const AS_OTHER = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []

interface Boss {
  start(): Promise<unknown>
  createQueue(name: string, options?: object): Promise<void>
  send(name: string, data: object, options?: object): Promise<string | null>
  stop(options?: object): Promise<void>
  on(event: 'error', listener: (error: unknown) => void): void
}
interface Pool {
  on(event: 'error', listener: () => void): void
  query(sql: string, values?: readonly unknown[]): Promise<{ rows: { state: End }[] }>
  end(): Promise<void>
}

/** pg-boss with PostgreSQL: by its defaults, or with the heartbeat that it has on demand. */
export async function startPgBoss(ground: Ground, packages: string, heartbeatSeconds?: number): Promise<Contestant> {
  const url = await startPostgres(ground.directory)
  const worker = await PeerWorker.make('pg-boss', packages, ground, { PG_URL: url.address })
  const { PgBoss } = requirePeer<{ PgBoss: new (url: string) => Boss }>(packages, 'pg-boss')
  const { Pool: MadePool } = requirePeer<{ Pool: new (options: object) => Pool }>(packages, 'pg')
  const db = new MadePool({ connectionString: url.address })
  // PostgreSQL ends idle connections when it goes down: the next query would say so.
  db.on('error', () => undefined)
  await db.query('create table saga_state (job text primary key, state jsonb)')
  await db.query('create table saga_end (job text primary key, state text)')
  const boss = new PgBoss(url.address)
  boss.on('error', (error) => console.error(error))
  await boss.start()
  const heartbeat = heartbeatSeconds === undefined ? {} : { heartbeatSeconds }
  await boss.createQueue('saga', { retryLimit: 8, retryBackoff: true, ...heartbeat })
  return {
    title: `pg-boss 12.38, PostgreSQL${heartbeatSeconds === undefined ? '' : `, heartbeat ${heartbeatSeconds} s`}`,
    startWorker: () => worker.start(),
    killWorker: () => worker.kill(),
    async enqueue(job) {
      await boss.send('saga', { job })
    },
    async endOf(job) {
      const { rows } = await db.query('select state from saga_end where job = $1', [job])
      return rows[0]?.state
    },
    async [Symbol.asyncDispose]() {
      await worker.kill()
      await boss.stop({ graceful: false })
      await db.end()
      await url.stop()
    },
  }
}

async function startPostgres(directory: string): Promise<{ address: string; stop(): Promise<unknown> }> {
  const bin = (
    await run('pg_config', ['--bindir']).catch(() => ({ stdout: '/usr/lib/postgresql/15/bin' }))
  ).stdout.trim()
  const data = join(directory, 'data')
  await mkdir(data)
  await chmod(directory, 0o755)
  if (AS_OTHER.length > 0) await run('chown', ['-R', 'postgres:postgres', data])
  const call = (command: string, args: readonly string[]): [string, string[]] => {
    const [first = '', ...rest] = [...AS_OTHER, join(bin, command), ...args]
    return [first, rest]
  }
  await run(...call('initdb', ['-D', data, '-A', 'trust', '-U', 'joinery']))
  const port = await freePort()
  const options = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${data}`,
  ]
  const [command, args] = call('postgres', [...options, '-c', 'logging_collector=off', '-c', 'log_destination=stderr'])
  const child = await startReadyChild({ command, args }, /^/)
  await until('PostgreSQL takes connections', () => child.output().includes('ready to accept connections'))
  return { address: `postgres://joinery@127.0.0.1:${port}/postgres`, stop: () => child.end('SIGINT') }
}
