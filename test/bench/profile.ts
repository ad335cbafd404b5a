/**
 * Where the CPU went: functions by own time, of the profiles that `run.ts --profile DIR` leaves.
 * usage: node test/bench/profile.ts FILE.cpuprofile [how many lines, default 30]
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

/** The parts of V8's .cpuprofile that are read here. `timeDeltas` are µs. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Own time per function, ms, the most expensive first; idle time is left out. */
export function ownTimes(profile: CpuProfile): { name: string; ms: number }[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const micros = new Map<string, number>()
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '(unknown)'
    if (name === '(idle)') continue
    micros.set(name, (micros.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0))
  }
  return [...micros].map(([name, time]) => ({ name, ms: time / 1000 })).sort((a, b) => b.ms - a.ms)
}

function nameOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${basename(url)}:${lineNumber + 1}`
}

if (import.meta.main) {
  const [file, lines = '30'] = process.argv.slice(2)
  if (file === undefined) {
    console.error('usage: node test/bench/profile.ts FILE.cpuprofile [how many lines]')
    process.exit(2)
  }
  const times = ownTimes(JSON.parse(readFileSync(file, 'utf8')))
  const total = times.reduce((sum, { ms }) => sum + ms, 0)
  for (const { name, ms } of times.slice(0, Number(lines))) {
    console.log(`${ms.toFixed(1).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} %  ${name}`)
  }
}
