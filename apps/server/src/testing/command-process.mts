import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

export interface CommandOptions {
  /** Replaces the environment, but for PATH. */
  readonly env?: Readonly<Record<string, string>>
  /** Path of the Node that runs it, and options for that Node. */
  readonly node?: readonly string[]
}

/** The joinery command in a process of its own; killed when the test ends. */
export class CommandProcess {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  /** Exit code or signal, once every pipe is closed: then its child processes, which share the pipes, are gone, too. */
  readonly ended: Promise<number | NodeJS.Signals | null>

  constructor(args: readonly string[], { env = {}, node = [process.execPath] }: CommandOptions = {}) {
    const [executable = process.execPath, ...nodeOptions] = node
    this.child = spawn(executable, [...nodeOptions, MAIN, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = once(this.child, 'close').then(([code, signal]) => code ?? signal)
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  /** Resolves with the `http://host:port` of its `listening` line; rejects if it ends before. */
  async listening(): Promise<string> {
    for (;;) {
      const url = /listening on (http:\/\/\S+)/.exec(this.stdout)?.[1]
      if (url !== undefined) return url
      const output = this.child.stdout
      if (output === null || this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`)
      await Promise.race([once(output, 'data'), this.ended])
    }
  }
}

/** Runs the command to its end. */
export async function runCommand(args: readonly string[], options?: CommandOptions) {
  const command = new CommandProcess(args, options)
  const code = await command.ended
  return { code, stdout: command.stdout, stderr: command.stderr }
}
