#!/usr/bin/env node
/*
 * Entry point of the `joinery` command. It must also run on an old Node that can't read TypeScript and takes this file
 * for plain CommonJS: hence no types, no import statements, and a package.json of type commonjs. cli.mts has everything
 * else. On an old Node, this file starts the Node that the repository has as a package.
 */
;(() => {
  const { join } = require('node:path')
  const ROOT = join(__dirname, '../../..')
  const WAS_LAUNCHED = 'JOINERY_LAUNCHED'
  const isServing = process.argv[2] === 'serve'
  /**
   * V8 option that bounds the young generation, MB. V8's own bound is 64, and V8 fills it before it collects anything;
   * with less than 16, edits in many rooms cost up to a third more.
   */
  const YOUNG_GENERATION = '--max-semi-space-size'
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS].join(' ')
  const SERVER_ARGS = isServing && !chosen.includes(YOUNG_GENERATION) ? [`${YOUNG_GENERATION}=16`] : []

  if (process.features.typescript) {
    // Not with an open IPC channel: the new process image would lose the channel to its parent.
    if (SERVER_ARGS.length > 0 && !process.connected) startAnew()
    if (process.env[WAS_LAUNCHED] && process.connected) dieWithTheLauncher()
    delete process.env[WAS_LAUNCHED]
    // Without the cache, stripping types costs half a second of CPU at every start. A cache that can't be written is no
    // error.
    require('node:module').enableCompileCache(join(ROOT, 'node_modules/.cache/joinery'))
    // A file of sagas imports modules of ours, which must be the worker's own and no second copy of them.
    const loadsSagas = process.argv[2] === 'work' && !process.argv.some((arg) => arg.startsWith('--resources'))
    const build = loadsSagas ? undefined : require('./build/newest-build.cjs').newestBuild()
    return void import(build ?? './cli.mts').catch((error) => {
      if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
      console.error(
        `joinery: ${error.message}\nRun "npm start" in the repository, which installs the missing packages.`,
      )
      process.exit(1)
    })
  }
  if (process.env[WAS_LAUNCHED]) {
    console.error(`joinery: Node ${process.version} in node_modules can't run TypeScript; run "npm start" to set it up`)
    process.exit(1)
  }
  launch()

  /** glibc keeps freed memory in the arena of each thread: with LevelDB's and Node's threads, 2 KiB for each of many rooms. */
  function serverEnvironment() {
    return isServing ? { MALLOC_ARENA_MAX: '2', ...process.env } : process.env
  }

  /** Replaces the process by itself with bounds of the heap, which can be set only at a start. Does nothing where the platform has no `execve`. */
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
        `joinery: Node ${process.version} is too old, and the Node 24 of the repository is not installed yet. ` +
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

  // A kill of the launcher is meant for the server, which must not live on with the port and the data directory.
  function dieWithTheLauncher() {
    process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
    // A channel with a listener would keep a finished command from ending.
    process.channel?.unref()
  }
})()
