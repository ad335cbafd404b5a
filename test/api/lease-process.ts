import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../support/child-process.ts'
import { within } from '../support/until.ts'
import type { LeaseWrite } from './lease-actor.ts'
import type { ActorsConfig } from './lease-actors.ts'
import type { LeaseCall } from './lease-history.ts'

const PROGRAM = fileURLToPath(new URL('./lease-actors.ts', import.meta.url))

/** Hears of all that the actors of a process do, in the order in which they do it. */
export interface LeaseListener {
  call(call: LeaseCall): void
  write(write: LeaseWrite): void
}

/** A process with actors on leases. Going out of scope kills it. */
export class LeaseProcess implements AsyncDisposable {
  readonly #child: Child
  #rest = ''

  constructor(config: ActorsConfig, listener: LeaseListener) {
    this.#child = startChild({
      args: [PROGRAM, JSON.stringify(config)],
      onStdout: (text) => this.#read(text, listener),
    })
  }

  /** Stops the process as a whole, as a machine that sleeps does. */
  stop(): void {
    process.kill(this.#child.pid, 'SIGSTOP')
  }

  goOn(): void {
    process.kill(this.#child.pid, 'SIGCONT')
  }

  /** Lets each actor have its last answer, and ends the process. Rejects if it has failed. */
  async end(): Promise<void> {
    const { code } = await within('the actors have ended', this.#child.end('SIGTERM'))
    if (code !== 0) throw new Error(`the actors ended with ${code}:\n${this.#child.output().slice(-2_000)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end('SIGKILL')
  }

  #read(text: string, listener: LeaseListener): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const { call, write } = JSON.parse(line)
      if (call !== undefined) listener.call(call)
      if (write !== undefined) listener.write(write)
    }
  }
}
