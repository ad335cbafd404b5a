import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
import { type Child, startChild } from '../support/child-process.ts'
import type { ResourceScene } from './resource-scene.ts'

/**
 * Edits a block again and again until `isOver`. Resolves with how long each edit took, ms.
 *
 * @param home path of the workspace
 */
export async function timeEdits(scene: ResourceScene, home: string, isOver: () => boolean): Promise<number[]> {
  const took: number[] = []
  for (; !isOver(); await pause(20)) {
    const sinceMs = performance.now()
    const body = { type: 'text', content: `edit ${took.length}` }
    expect((await scene.call('PUT', `${home}/blocks/note`, body)).status).toBeLessThan(300)
    took.push(performance.now() - sinceMs)
  }
  return took
}

/** A condition that holds after so many seconds. */
export function after(seconds: number): () => boolean {
  const endMs = performance.now() + seconds * 1_000
  return () => performance.now() >= endMs
}

/** Times for people, who judge them: those of a busy machine say nothing by themselves. */
export function describeTimes(ms: readonly number[]): string {
  return `p50 ${percentile(ms, 0.5).toFixed(1)} and p99 ${percentile(ms, 0.99).toFixed(1)} ms`
}

const EDITOR = fileURLToPath(new URL('editor-process.ts', import.meta.url))
/** Before the command of the editor, where the system allows it: its own want of CPU is not the server's latency. */
const FIRST = spawnSync('nice', ['-n', '-10', 'true']).stderr.length === 0 ? ['nice', '-n', '-10'] : []

/** A process that edits blocks of a scene, one after the other, until it goes out of scope. */
export class EditorProcess implements AsyncDisposable {
  readonly #paths: number
  readonly #edits: (readonly [path: number, atMs: number, tookMs: number])[] = []
  readonly #child: Child
  #rest = ''

  constructor(scene: ResourceScene, paths: readonly string[]) {
    this.#paths = paths.length
    const [command = process.execPath, ...args] = [...FIRST, process.execPath, EDITOR]
    this.#child = startChild({
      ...{ command, args: [...args, `http://127.0.0.1:${scene.server.port}`, ...paths] },
      onStdout: (text) => this.#take(text),
    })
  }

  /** How long the edits took that began and ended between two times (ms since epoch), by their paths, ms. */
  between(fromMs: number, untilMs: number): number[][] {
    const within = this.#edits.filter(([, atMs, tookMs]) => atMs >= fromMs && atMs + tookMs <= untilMs)
    const found = Array.from({ length: this.#paths }, (_, of) =>
      within.flatMap(([path, , tookMs]) => (path === of ? tookMs : [])),
    )
    for (const times of found) expect(times.length, this.#child.output().slice(-1_000)).toBeGreaterThan(0)
    return found
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#edits.push(JSON.parse(line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end('SIGKILL')
  }
}
