import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ClientError } from '@joinery/client'
import { SingleBar } from 'cli-progress'
import { AppError } from '../app-error.mts'
import type { Options } from '../setting.mts'
import { directorySize } from './directory-size.mts'
import { type ReplayOptions, readContent, replay } from './replay.mts'
import { parseReplayConfig, type ReplayConfig } from './replay-config.mts'
import { formatOutcome, type Outcome, requireEndContent } from './report.mts'
import { startServerProcess } from './server-process.mts'
import { decodeTrace, type Trace } from './trace.mts'

/** Time without progress after which the replay gives up: longer than any reconnect takes. */
const STALL_MS = 60_000

/** Plays the trace in the file at `path`. Rejects with {@link AppError} unless every client ends with the trace's text. */
export async function runReplay(path: string, options: Options): Promise<void> {
  const config = parseReplayConfig(options, process.env)
  const trace = decodeTrace(await readTrace(path))
  const interrupt = new AbortController()
  const onSignal = (): void => interrupt.abort(new AppError('failed', 'stopped before the end'))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, onSignal)
  const watch = watchProgress(trace.transactions.length, interrupt)
  try {
    const outcome = await play(basename(path), config, trace, {
      signal: interrupt.signal,
      onProgress: watch.onProgress,
    })
    watch.stop()
    requireEndContent(outcome)
    console.log(formatOutcome(outcome))
  } catch (error) {
    if (error instanceof ClientError) throw new AppError('failed', error.message, { cause: error })
    throw error
  } finally {
    watch.stop()
  }
}

async function readTrace(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new AppError('usage', `can't read the trace: ${(cause as Error).message}`, { cause })
  }
}

type Watched = Pick<ReplayOptions, 'signal' | 'onProgress'>

async function play(name: string, config: ReplayConfig, trace: Trace, watched: Watched): Promise<Outcome> {
  const { server, workspace, speed, watcherCount } = config
  const { endContent } = trace
  if (server.kind === 'running') {
    const at = { url: server.url, token: server.token, workspace }
    const result = await replay({ ...watched, ...at, trace, watcherCount, speed })
    const latecomer = { content: await readContent({ ...watched, ...at }), isRestarted: false }
    return { name, result, endContent, latecomer, diskBytes: undefined }
  }
  const directory = await mkdtemp(join(tmpdir(), 'joinery-replay-'))
  try {
    return await playOnOwnServer(name, join(directory, 'data'), server.durability, {
      ...watched,
      trace,
      workspace,
      watcherCount,
      speed,
      token: undefined,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function playOnOwnServer(
  name: string,
  data: string,
  durability: 'memory' | 'async' | 'sync',
  options: Omit<ReplayOptions, 'url'>,
): Promise<Outcome> {
  const isKept = durability !== 'memory'
  let server = await startServerProcess(data, durability)
  try {
    const result = await replay({ ...options, url: server.url })
    let diskBytes: number | undefined
    if (isKept) {
      await server.stop()
      diskBytes = await directorySize(data)
      server = await startServerProcess(data, durability)
    }
    const latecomer = { content: await readContent({ ...options, url: server.url }), isRestarted: isKept }
    return { name, result, endContent: options.trace.endContent, latecomer, diskBytes }
  } finally {
    await server.stop()
  }
}

/** Shows a progress bar if stderr is a terminal, and aborts the replay when it makes no progress any more. */
function watchProgress(total: number, interrupt: AbortController) {
  const format = '{bar} {value}/{total} edits, {eta_formatted} left'
  const bar = process.stderr.isTTY ? new SingleBar({ format, stream: process.stderr, hideCursor: true }) : undefined
  const onStall = (): void => {
    interrupt.abort(new AppError('failed', `the replay made no progress for ${STALL_MS / 1000} s: check the server`))
  }
  const stall = setTimeout(onStall, STALL_MS)
  bar?.start(total, 0)
  return {
    onProgress: (editCount: number): void => {
      stall.refresh()
      bar?.update(editCount)
    },
    stop: (): void => {
      clearTimeout(stall)
      bar?.stop()
    },
  }
}
