/**
 * `npm run bench:cluster`: a cluster of 1, 2 and 3 nodes beside the single server and Hocuspocus with Redis, each a process on this
 * machine, and a table for each row. Figures of one run on one machine: the ratios are the point. Exit code 1 when Joinery failed at
 * a row, 2 on a wrong command line.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { runCommand } from '../../support/run-command.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { percentile } from '../load/percentile.ts'
import type { ClusterFigures } from './cluster-job.ts'
import type { ClusterRow, RowColumn, RowOptions } from './cluster-row.ts'
import { type ColumnFigures, formatRow } from './cluster-table.ts'
import { ALL_CORES, AT_EASE, FLAT_OUT } from './edit-rows.ts'
import { CATCH_UP, IDLE } from './node-rows.ts'
import { PIPED_AT_EASE, PIPED_LARGE } from './piped-rows.ts'

const ROWS: Readonly<Record<string, ClusterRow>> = {
  'flat-out': FLAT_OUT,
  'at-ease': AT_EASE,
  'piped-large': PIPED_LARGE,
  'piped-at-ease': PIPED_AT_EASE,
  'catch-up': CATCH_UP,
  idle: IDLE,
  'all-cores': ALL_CORES,
}

const USAGE = `usage: node test/bench/cluster/run.ts [--rows A,B] [--columns N,M] [--short] [--repeat N] [--json FILE] [--profile DIR]
  --rows A,B     of ${Object.keys(ROWS).join(', ')}; default all (10 minutes)
  --columns N,M  numbers of the columns of a row, from 1; default all
  --short        enough work to see that it runs
  --repeat N     each column so often in turns, medians; default 1
  --json FILE    writes the figures of all runs
  --profile DIR  writes a CPU profile of each node: node test/bench/profile.ts FILE
It needs a NATS server of version 2.12 or newer, on PATH or as NATS_SERVER="$(.ci/nats-server.sh)", and for Hocuspocus
redis-server (apt-get install redis-server).`

interface BenchOptions extends RowOptions {
  readonly rows: readonly string[]
  readonly columns: readonly number[] | undefined
  readonly repeat: number
  readonly jsonFile: string | undefined
}

function parseOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: Object.keys(ROWS).join() },
      columns: { type: 'string' },
      short: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const rows = values.rows.split(',')
  const unknown = rows.find((name) => ROWS[name] === undefined)
  if (unknown !== undefined) throw new TypeError(`--rows: "${unknown}" is none of ${Object.keys(ROWS).join(', ')}`)
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 100) throw new TypeError('--repeat is 1 to 100')
  const columns = values.columns?.split(',').map(Number)
  if (columns?.some((column) => !Number.isInteger(column) || column < 1))
    throw new TypeError('--columns are numbers from 1')
  const scale = values.short ? 'short' : 'full'
  return { rows, columns, scale, repeat, jsonFile: values.json, profileDirectory: values.profile }
}

/** All runs of one column. */
interface Runs {
  readonly column: RowColumn
  readonly runs: ClusterFigures[]
  readonly failures: string[]
}

async function runRow(name: string, row: ClusterRow, options: BenchOptions): Promise<Runs[]> {
  const isMeant = (_: RowColumn, n: number): boolean => options.columns?.includes(n + 1) ?? true
  const all = row.columns.filter(isMeant).map((column): Runs => ({ column, runs: [], failures: [] }))
  for (let turn = 1; turn <= options.repeat; turn++) {
    for (const { column, runs, failures } of all) {
      process.stderr.write(`${name}, ${column.title} (${turn} of ${options.repeat}) …`)
      const startMs = performance.now()
      await using home = await tempDirectory()
      try {
        runs.push(await column.measure(home.path, options))
        process.stderr.write(` ${((performance.now() - startMs) / 1_000).toFixed(1)} s\n`)
      } catch (error) {
        // A peer that is missing or fails leaves its cells empty; the others' figures are still worth having.
        failures.push(error instanceof Error ? error.message : String(error))
        process.stderr.write(` failed: ${failures.at(-1)}\n`)
      }
    }
  }
  return all
}

/** The median of each figure. */
function medians(runs: readonly ClusterFigures[]): ClusterFigures {
  const names = new Set(runs.flatMap((figures) => Object.keys(figures)))
  const middle = (name: string): number =>
    percentile(
      runs.map((figures) => figures[name] ?? Number.NaN),
      0.5,
    )
  return Object.fromEntries([...names].map((name) => [name, middle(name)]))
}

async function main(): Promise<number> {
  const options = parseOptions()
  if (options.profileDirectory !== undefined) mkdirSync(options.profileDirectory, { recursive: true })
  const results: Record<string, Runs[]> = {}
  for (const name of options.rows) {
    const row = ROWS[name]
    if (row === undefined) continue
    const all = await runRow(name, row, options)
    results[name] = all
    const columns = all.map(({ column, runs }): ColumnFigures => ({ title: column.title, figures: medians(runs) }))
    console.log(`\n${formatRow(row, columns)}`)
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.version}`
  console.log(`\n${machine}; ${options.repeat} run(s) each`)
  if (options.scale === 'short') console.log('short: too little work for the figures to mean anything')
  if (options.jsonFile !== undefined)
    writeFileSync(options.jsonFile, JSON.stringify({ machine, options, results }, null, 2))
  const ours = Object.values(results)
    .flat()
    .filter(({ column }) => column.isPeer !== true)
  return ours.some(({ failures }) => failures.length > 0) ? 1 : 0
}

await runCommand(main, USAGE)
