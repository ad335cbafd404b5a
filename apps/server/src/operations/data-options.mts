import { resolve } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../app-error.mts'
import { dataSetting } from '../data-setting.mts'
import { type Options, readSetting } from '../setting.mts'

/** Adds the options that every command on a data directory takes. */
export function addDataOptions(command: Command): Command {
  return command
    .option('--data <directory>', 'data directory [JOINERY_DATA] (default: ./data)')
    .option('--json', 'print JSON')
}

export interface DataOptions {
  /** Absolute path of the data directory. */
  readonly directory: string
  readonly isJson: boolean
}

/** Reads the options of {@link addDataOptions}. Throws {@link AppError} `usage`. */
export function readDataOptions(options: Options): DataOptions {
  const directory = resolve(process.cwd(), readSetting(dataSetting, options, process.env))
  return { directory, isJson: options.json === true }
}

/**
 * Time within which signals count as one, ms. A terminal sends Ctrl-C to a launcher and its child alike, and the launcher
 * passes it on, so that it arrives twice almost at once.
 */
const SAME_SIGNAL_MS = 500

/**
 * Signal that aborts the command's work at SIGTERM, SIGINT or SIGHUP, so that nothing half-made stays. A second signal,
 * some time later, ends the process at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let stoppedMs: number | undefined
  const onSignal = (_name: NodeJS.Signals, number: number): void => {
    stoppedMs ??= performance.now()
    if (stop.signal.aborted && performance.now() - stoppedMs > SAME_SIGNAL_MS) process.exit(128 + number)
    stop.abort(new AppError('failed', 'stopped before the end'))
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, onSignal)
  return stop.signal
}
