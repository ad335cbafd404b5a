import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startReadyChild } from '../support/child-process.ts'
import type { Ground } from './contestant.ts'
import { EFFECTS, UNDOS } from './plan.ts'

const WORKERS = fileURLToPath(new URL('./workers/', import.meta.url))

/** The worker of a peer: a process that is started again after each kill. */
export class PeerWorker {
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  #child: Child | undefined

  private constructor(file: string, env: Readonly<Record<string, string>>) {
    this.#args = [file]
    this.#env = env
  }

  /** @param packages the directory that has the peer's packages in its `node_modules` */
  static async make(
    name: string,
    packages: string,
    { outsideUrl }: Ground,
    env: Readonly<Record<string, string>>,
  ): Promise<PeerWorker> {
    // An import is looked up from the file that has it: the worker has to stand beside its packages.
    await mkdir(packages, { recursive: true })
    for (const file of [`${name}.mjs`, 'saga.mjs']) await copyFile(join(WORKERS, file), join(packages, file))
    const shared = { OUTSIDE_URL: outsideUrl, EFFECTS: JSON.stringify(EFFECTS), UNDOS: JSON.stringify(UNDOS) }
    return new PeerWorker(join(packages, `${name}.mjs`), { ...shared, ...env })
  }

  async start(): Promise<void> {
    this.#child = await startReadyChild({ args: this.#args, env: this.#env }, /ready/)
  }

  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL')
  }
}
