/**
 * `npm run bench`: Joinery and its peers at the same work, one server at a time, and a table of what each needed. Figures
 * of one run on one machine: the ratios are the point. Exit code 1 when Joinery failed at a row, 2 on a wrong command line.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Figures } from './load/job.ts'
import { percentile } from './load/percentile.ts'
import { measure } from './measure.ts'
import { type BenchOptions, OptionsError, parseOptions, USAGE } from './options.ts'
import { PEERS, type PeerName } from './peers.ts'
import { formatReadmeTables } from './readme-tables.ts'
import { ROWS, type RowName } from './rows.ts'
import { formatTable, type TableLine } from './table.ts'
import { judge } from './verdict.ts'

/** Every run of one row by one peer. */
interface Runs {
  readonly row: RowName
  readonly peer: PeerName
  readonly runs: readonly Figures[]
  readonly failures: readonly string[]
}

async function runRow(row: RowName, peer: PeerName, options: BenchOptions): Promise<Runs> {
  const measurement = ROWS[row].work(options.scale, options.traceFile)
  const isProfiled = peer === 'joinery' && options.profileDirectory !== undefined
  const nodeArgs = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${options.profileDirectory}`] : []
  const runs: Figures[] = []
  const failures: string[] = []
  for (let turn = 1; turn <= options.repeat; turn++) {
    process.stderr.write(`${row}, ${PEERS[peer].title}${options.repeat > 1 ? ` (${turn} of ${options.repeat})` : ''} …`)
    try {
      const figures = await measure(PEERS[peer], measurement, nodeArgs)
      runs.push(figures)
      const { wallSeconds, loadCpuSeconds } = figures
      process.stderr.write(` ${wallSeconds.toFixed(1)} s (load CPU ${loadCpuSeconds.toFixed(1)} s)\n`)
    } catch (error) {
      // A peer that is missing or fails leaves its cells empty; the others' figures are still worth having.
      failures.push(error instanceof Error ? error.message : String(error))
      process.stderr.write(` failed: ${failures.at(-1)}\n`)
    }
  }
  return { row, peer, runs, failures }
}

function tableLines(results: readonly Runs[]): TableLine[] {
  const rows = [...new Set(results.map(({ row }) => row))]
  return rows.flatMap((name) =>
    ROWS[name].lines.map((line) => {
      const figures = new Map<PeerName, number>()
      for (const { row, peer, runs } of results) {
        if (row !== name) continue
        const values = runs.map(line.pick).filter((value) => value !== undefined)
        if (values.length > 0) figures.set(peer, percentile(values, 0.5))
      }
      return { row: ROWS[name], line, figures }
    }),
  )
}

async function bench(options: BenchOptions): Promise<number> {
  if (options.profileDirectory !== undefined) mkdirSync(options.profileDirectory, { recursive: true })
  const results: Runs[] = []
  for (const row of options.rows) {
    for (const peer of options.peers ?? ROWS[row].peers) results.push(await runRow(row, peer, options))
  }
  const lines = tableLines(results)
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.version}`
  console.log(
    `\n${formatTable(lines)}\n\n${machine}; CPU time of the server process alone, ${options.repeat} run(s) each`,
  )
  if (options.scale === 'short') console.log('short: too little work for the figures to mean anything')
  else console.log(`\nAs the READMEs have it:\n\n${formatReadmeTables(lines)}`)
  if (options.jsonFile !== undefined)
    writeFileSync(options.jsonFile, JSON.stringify({ machine, options, results }, null, 2))
  const hasFailed = results.some(({ peer, failures }) => peer === 'joinery' && failures.length > 0)
  const verdicts = lines.flatMap(({ line, figures }) => judge(line.bounds, figures))
  return hasFailed || (options.isStrict && verdicts.some(({ state }) => state !== 'holds')) ? 1 : 0
}

try {
  const isHelp = process.argv.includes('--help')
  if (isHelp) console.log(USAGE)
  else process.exitCode = await bench(parseOptions(process.argv.slice(2), process.env))
} catch (error) {
  if (!(error instanceof OptionsError)) throw error
  console.error(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
