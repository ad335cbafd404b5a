import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { WAIT_MS } from './patience.ts'

/** How a child ended: exactly one of the two is not null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that a test or the bench has started, and may end. */
export interface Child {
  readonly pid: number
  /** The output so far, stdout and stderr in the order of arrival; the last 256 KiB. */
  output(): string
  /** The stdout so far. */
  stdout(): string
  /** Resolves when the process is gone and its output is complete. */
  readonly exited: Promise<Exit>
  /** Sends the signal and waits until the process is gone. */
  end(signal: NodeJS.Signals): Promise<Exit>
}

export interface ChildOptions {
  readonly args: readonly string[]
  /** Defaults to this process's own Node. */
  readonly command?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Hears all of the child's stdout, of which only the end is kept. */
  readonly onStdout?: (text: string) => void
}

/** A chatty child must not fill the parent's memory. */
const OUTPUT_CHARS_MAX = 256 * 1024

const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'] as const
/**
 * Words before the command of a Node that is started. A worker that is killed at a deadline can't end its children, and
 * a server would live on. On Linux, the kernel ends a child with its parent.
 */
const OWN_PREFIX = spawnSync(WITH_PARENT[0], [...WITH_PARENT.slice(1), 'true']).status === 0 ? WITH_PARENT : []

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process and returns at once. */
export function startChild(options: ChildOptions): Child {
  const called = options.command === undefined ? [...OWN_PREFIX, process.execPath] : [options.command]
  const [command = '', ...args] = [...called, ...options.args]
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) {
    // Node tells the reason a second time, as an event that would end this process.
    child.once('error', () => undefined)
    throw new Error(`could not start ${command}`)
  }
  running.add(child)
  let all = ''
  let out = ''
  const keep = (text: string, chunk: Buffer) => (text + chunk.toString()).slice(-OUTPUT_CHARS_MAX)
  child.stdout.on('data', (chunk: Buffer) => {
    all = keep(all, chunk)
    out = keep(out, chunk)
    options.onStdout?.(chunk.toString())
  })
  child.stderr.on('data', (chunk: Buffer) => {
    all = keep(all, chunk)
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
  return {
    pid,
    output: () => all,
    stdout: () => out,
    exited,
    end(signal) {
      child.kill(signal)
      return exited
    },
  }
}

/** Starts a process and resolves with it once its stdout matches `ready`; rejects with its output if it ends or stays silent. */
export async function startReadyChild(options: ChildOptions, ready: RegExp): Promise<Child> {
  const child = startChild(options)
  const deadline = Date.now() + WAIT_MS
  let exit: Exit | undefined
  void child.exited.then((value) => {
    exit = value
  })
  while (!ready.test(child.stdout())) {
    if (exit !== undefined) throw new Error(`${options.args[0]} ended (${JSON.stringify(exit)}):\n${child.output()}`)
    if (Date.now() > deadline) {
      await child.end('SIGKILL')
      throw new Error(`${options.args[0]} was not ready after ${WAIT_MS} ms:\n${child.output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return child
}
