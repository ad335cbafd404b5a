import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { percentile } from '../bench/load/percentile.ts'
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
