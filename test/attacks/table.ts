import type { Latency } from './bystander-load.ts'
import type { Figures } from './measure.ts'

/** Heading of the table whose rows {@link formatFigures} makes. Times are ms, memory is MiB. */
export const TABLE_HEAD = `| attack | typing p50, p99: before | during | after | HTTP p50, p99: before | during | after | RSS before, peak, after | the attacker was told |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |`

/** At most so many different answers are printed. */
const TOLD_MAX = 6

/** The row of one attack, and below it what is wrong. */
export function formatFigures(name: string, figures: Figures, faults: readonly string[]): string {
  const { before, during, after, memory, told } = figures
  const answers = Object.entries(told).sort(([, a], [, b]) => b - a)
  const cells = [
    name,
    ...[before, during, after].map(({ typing }) => formatLatency(typing)),
    ...[before, during, after].map(({ http }) => formatLatency(http)),
    [memory.before, memory.peak, memory.after].map((value) => Math.round(value)).join(', '),
    answers
      .slice(0, TOLD_MAX)
      .map(([what, count]) => `${what} × ${count}`)
      .join('; ') || 'nothing',
  ]
  return [`| ${cells.join(' | ')} |`, ...faults.map((fault) => `  FAULT ${name}: ${fault}`)].join('\n')
}

function formatLatency({ p50, p99 }: Latency): string {
  return `${p50.toFixed(p50 < 10 ? 1 : 0)}, ${p99.toFixed(p99 < 10 ? 1 : 0)}`
}
