import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { Command, CommanderError } from 'commander'
import { AppError, exitCodeOf } from './app-error.mts'
import { addCommand } from './command-modules.mts'
import { printable } from './say.mts'
import type { Options } from './setting.mts'
import { VERSION } from './version.mts'

// Files and directories that a command creates are for its own user: they hold what people write, and secrets.
process.umask(0o077)

const program = new Command('joinery')
  .description('Sync server for editors in which people and background jobs write the same blocks.')
  .version(VERSION)
  .exitOverride()
  .configureOutput({ outputError: (message, write) => write(oneLine(message)) })
  .showSuggestionAfterError()

program
  .command('serve')
  .description('Serve workspaces until SIGTERM or SIGINT.')
  .option('--port <number>', 'port to listen on; 0 takes any free one [PORT] (default: 1234)')
  .option('--host <address>', 'address to listen on [JOINERY_HOST] (default: 127.0.0.1)')
  .option('--data <directory>', 'data directory [JOINERY_DATA] (default: ./data)')
  .option(
    '--durability <when>',
    'memory, async, sync, or replicated in a cluster [JOINERY_DURABILITY] (default: async, in a cluster replicated)',
  )
  .option(
    '--keep-history <amount>',
    'forever, days (90d) or a number of records [JOINERY_KEEP_HISTORY] (default: forever)',
  )
  .option('--disk-free <megabytes>', 'free space that /readyz asks for [JOINERY_DISK_FREE] (default: 256)')
  .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent [JOINERY_LOG_LEVEL] (default: info)')
  .option('--origins <list>', 'origins of pages that may connect, joined by commas [JOINERY_ORIGINS]')
  .option('--base <path>', 'path below which a proxy has the server, such as /joinery [JOINERY_BASE]')
  .option('--login <address>', 'where people with keys log in [JOINERY_LOGIN]')
  .option('--token-origins <list>', 'origins of pages that may hand tokens to the editor [JOINERY_TOKEN_ORIGINS]')
  .option('--limits <list>', 'limits, as NAME=NUMBER joined by commas, or @FILE of JSON [JOINERY_LIMITS]')
  .option(
    '--connections-per-address <number>',
    'TCP connections of one address [JOINERY_CONNECTIONS_PER_ADDRESS] (default: any number)',
  )
  .option(
    '--connections-per-principal <number>',
    'sockets of one token’s actor [JOINERY_CONNECTIONS_PER_PRINCIPAL] (default: any number)',
  )
  .option('--machines <file>', 'JSON list of status tables of your own [JOINERY_MACHINES]')
  .option(
    '--workspaces-per-principal <number>',
    'workspaces that one token’s actor may create [JOINERY_WORKSPACES_PER_PRINCIPAL] (default: any number)',
  )
  .option(
    '--bytes-per-day <number>',
    'bytes that one token’s actor may write in a day [JOINERY_BYTES_PER_DAY] (default: any number)',
  )
  .option(
    '--keys-per-principal <number>',
    'idempotency keys that one token’s actor may use [JOINERY_KEYS_PER_PRINCIPAL] (default: any number)',
  )
  .option('--head-key <file>', 'sign heads with this key, made by "joinery keygen" [JOINERY_HEAD_KEY]')
  .option('--head-log <file>', 'log of signed heads [JOINERY_HEAD_LOG] (default: HEADS in the data directory)')
  .option('--head-records <number>', 'records after which a head is logged [JOINERY_HEAD_RECORDS] (default: 1000)')
  .option('--head-minutes <number>', 'minutes after which a head is logged [JOINERY_HEAD_MINUTES] (default: 60)')
  .option('--resources <file>', 'connect services as this JSON file says [JOINERY_RESOURCES]')
  .option('--work <file>', 'start a worker that runs the sagas of this file [JOINERY_WORK]')
  .option('--cluster <list>', 'be a node of a cluster on these NATS servers, or of @FILE of JSON [JOINERY_CLUSTER]')
  .option('--node <name>', 'name of this node [JOINERY_NODE]')
  .option('--advertise <address>', 'host:port at which the other nodes reach this one [JOINERY_ADVERTISE]')
  .option('--monitors <list>', 'monitoring ports of NATS, to check that it syncs its disks [JOINERY_CLUSTER_MONITORS]')
  .option('--copies <number>', 'copies that NATS keeps [JOINERY_CLUSTER_COPIES] (default: 3, or 1 with one server)')
  .option('--deployment <kind>', 'single, cluster or p2p [JOINERY_DEPLOYMENT] (default: cluster with --cluster)')
  .option('--insecure', 'listen on an address that others can reach although there are no keys')
  .addHelpText('after', '\nKeys: JOINERY_JWT_SECRET (HS256, at least 32 bytes) or JOINERY_JWKS (URL or file).')
  .action(serveUntilStopped)

program
  .command('token')
  .description('Make a token signed with JOINERY_JWT_SECRET.')
  .option('--sub <actor>', 'actor that the token names')
  .option('--workspaces <names>', 'workspaces it opens: names, or prefixes ending in *, joined by commas')
  .option('--access <kind>', 'read or write (default: write)')
  .option('--sources <names>', 'classes of writer it may write as, joined by commas (default: user_action)')
  .option('--operator', 'the token may do what concerns all actors, such as revoking tokens')
  .option('--work <sagas>', 'sagas whose steps it may run as a worker, joined by commas; * for all')
  .option('--expires <time>', 'time from now, such as 15m, 8h, 30d (default: 1h)')
  .action(async (options: Options) => {
    const { makeToken, parseTokenRequest } = await import('./token.mts')
    console.log(await makeToken(parseTokenRequest(options, process.env), Date.now()))
  })

await addCommand(
  program,
  process.argv.slice(2).find((arg) => !arg.startsWith('-')),
)

function oneLine(message: string): string {
  const fault = message
    .trim()
    .replace(/^error: /, 'joinery: ')
    .replace(/\.$/, '')
    .replaceAll('\n', ' ')
  return `${printable(fault)}; "joinery help" lists the commands\n`
}

async function serveUntilStopped(options: Options): Promise<void> {
  const { parseServeConfig } = await import('./serve-config.mts')
  const config = parseServeConfig(options, process.env, process.cwd())
  // From here on a signal drains the server, also while the log is still being opened.
  const stopped = Promise.race(['SIGTERM', 'SIGINT', 'SIGHUP'].map((signal) => once(process, signal)))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
  const { startServer } = await import('./serve.mts')
  const server = await startServer(config, process.stderr)
  if (config.keys === undefined) {
    console.error('joinery: development mode: there are no keys, so everyone may connect and write as any source')
  }
  const durability = config.isReplicated ? 'replicated' : config.durability
  console.log(
    `joinery listening on ${server.url} (${durability}${config.durability === 'memory' ? '' : `, ${config.dataDirectory}`})`,
  )
  // Node keeps what it has compiled for the next start at its end alone, which a kill takes from it.
  flushCompileCache()
  const replaced = await Promise.race([stopped.then(() => undefined), server.replaced])
  await server.close()
  if (replaced !== undefined) throw new AppError('failed', replaced)
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.exitCode = exitCodeOf(error)
    console.error(error instanceof AppError ? printable(`joinery: ${error.message}`) : error)
    // A connection to a NATS server that says nothing would keep a command that has failed from ending, also on a signal.
    process.exit()
  }
}
