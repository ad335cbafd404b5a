import { AppError } from '../app-error.mts'
import type { ReplayResult } from './replay.mts'

/** Outcome of a replay. */
export interface Outcome {
  readonly name: string
  readonly result: ReplayResult
  readonly endContent: string
  /** Text of a fresh client; `isRestarted` if the server had been restarted on the same directory before. */
  readonly latecomer: { readonly content: string; readonly isRestarted: boolean }
  /** Bytes of the data directory after the server had closed; undefined for a server at `--url`. */
  readonly diskBytes: number | undefined
}

/** Formats the figures of a replay, one line each. */
export function formatOutcome({ name, result, diskBytes, latecomer }: Outcome): string {
  const { editCount, elapsedMs, durable, contents } = result
  const perSecond = Math.round((editCount * 1000) / elapsedMs)
  const lines = [
    `${name}: ${count(editCount)} edits in ${(elapsedMs / 1000).toFixed(1)} s`,
    `  ${count(perSecond)} edits/s until every one was durable`,
    `  time to durable: p50 ${milliseconds(durable.quantile(0.5))}, p99 ${milliseconds(durable.quantile(0.99))} (${count(durable.count)} samples)`,
    `  content as it should be on ${contents.length} clients and ${latecomer.isRestarted ? 'on a fresh one after a restart' : 'on a fresh one'}`,
  ]
  if (diskBytes !== undefined) lines.push(`  ${count(diskBytes)} bytes on disk`)
  return lines.join('\n')
}

/** Throws {@link AppError} `failed` that names every client whose text differs from the history's last text. */
export function requireEndContent({ endContent, result, latecomer }: Outcome): void {
  const fresh = [latecomer.isRestarted ? 'fresh client after a restart' : 'fresh client', latecomer.content] as const
  const wrong = [...result.contents, fresh].filter(([, content]) => content !== endContent)
  if (wrong.length === 0) return
  const faults = wrong.map(([client, content]) => `${client} (${firstDifference(content, endContent)})`)
  throw new AppError('failed', `the text is not the history's end on ${wrong.length} clients: ${faults.join(', ')}`)
}

function firstDifference(content: string, expected: string): string {
  let at = 0
  while (at < content.length && content[at] === expected[at]) at++
  return `differs from character ${at} on, ${content.length} characters instead of ${expected.length}`
}

const count = (value: number): string => value.toLocaleString('en')
const milliseconds = (value: number | undefined): string => (value === undefined ? 'unknown' : `${value.toFixed(1)} ms`)
