#!/usr/bin/env node
/*
 * The `joinery` command's door. It must also open on an old Node that can't read TypeScript, which takes this file for
 * plain CommonJS: hence no types, no import statements, and a package.json of type commonjs. Everything else is behind
 * cli.mts, and an old Node hands over to the Node that the repository brings along.
 */
;(() => {
  const { join } = require('node:path')
  const ROOT = join(__dirname, '../../..')
  const WAS_LAUNCHED = 'JOINERY_LAUNCHED'
  const isServing = process.argv[2] === 'serve'
  /** V8's own goes up to 64 MB and fills before anything in it is collected; under 16, edits in many rooms cost up to a third more. */
  const YOUNG_GENERATION = '--max-semi-space-size'
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS].join(' ')
  const SERVER_ARGS = isServing && !chosen.includes(YOUNG_GENERATION) ? [`${YOUNG_GENERATION}=16`] : []

  if (process.features.typescript) {
    // With a parent on the other end of a channel, it would lose that.
    if (SERVER_ARGS.length > 0 && !process.connected) startAnew()
    if (process.env[WAS_LAUNCHED] && process.connected) dieWithTheLauncher()
    delete process.env[WAS_LAUNCHED]
    // Stripping types at every start costs half a second of CPU; a directory that can't be written is no error here.
    require('node:module').enableCompileCache(join(ROOT, 'node_modules/.cache/joinery'))
    return void import('./cli.mts').catch((error) => {
      if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
      console.error(`joinery: ${error.message}\nRun "npm start" in the repository, which installs what is missing.`)
      process.exit(1)
    })
  }
  if (process.env[WAS_LAUNCHED]) {
    console.error(`joinery: Node ${process.version} in node_modules can't run TypeScript; run "npm start" to set it up`)
    process.exit(1)
  }
  launch()

  /** glibc keeps what each thread frees for that thread: 2 KiB for each of those rooms, with LevelDB's and Node's own. */
  function serverEnvironment() {
    return isServing ? { MALLOC_ARENA_MAX: '2', ...process.env } : process.env
  }

  /** The heap has its bounds from the start of the process: where that can be done, the same process starts again, with others. */
  function startAnew() {
    const args = [process.execPath, ...SERVER_ARGS, ...process.execArgv, __filename, ...process.argv.slice(2)]
    process.execve?.(process.execPath, args, serverEnvironment())
  }

  function launch() {
    const { existsSync } = require('node:fs')
    const { constants } = require('node:os')
    const executable = process.platform === 'win32' ? 'node.exe' : 'node'
    const node = join(ROOT, 'node_modules/node/bin', executable)
    if (!existsSync(node)) {
      console.error(
        `joinery: Node ${process.version} is too old to run this, and the Node it brings along is not installed yet. ` +
          'Run "npm start" in the repository, which installs it, or use Node 24.',
      )
      process.exit(1)
    }
    const child = require('node:child_process').spawn(node, [...SERVER_ARGS, __filename, ...process.argv.slice(2)], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...serverEnvironment(), [WAS_LAUNCHED]: '1' },
    })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('error', () => {
      console.error(`joinery: could not start ${node}; run "npm start" to set it up again`)
      process.exit(1)
    })
    child.on('exit', () => process.exit(child.exitCode ?? 128 + constants.signals[child.signalCode]))
  }

  // Whoever kills the launcher outright means the server: it must not live on, holding the port and the data directory.
  function dieWithTheLauncher() {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
    // A channel with a listener would keep a command that is done from ending.
    process.channel?.unref()
  }
})()
