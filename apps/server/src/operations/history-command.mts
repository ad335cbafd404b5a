import type { HistoryQuery, HistoryRow } from '@joinery/log/operations'
import type { Command } from 'commander'
import { z } from 'zod'
import { say } from '../say.mts'
import { type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'
import { addDataOptions, readDataOptions, stopSignal } from './data-options.mts'
import { withOperator } from './open-operator.mts'
import { formatBytes, formatTable } from './table.mts'

const LIMIT_DEFAULT = 50
/** Upper bound of `--limit`: all rows are in memory until they are printed. */
const LIMIT_MAX = 1_000_000

const words = (option: string, rule: string, example: string): Setting<string | undefined> => ({
  option,
  rule,
  example,
  schema: z.string().min(1).optional(),
})

const moment = (option: string): Setting<number | undefined> => ({
  option,
  rule: 'an ISO 8601 date or time (UTC unless it names a zone), or a time ago: a whole number and s, m, h or d',
  example: '2h',
  schema: z.string().transform(parseMoment).pipe(z.number()).optional(),
})

const block = words('block', 'a block’s id, or a path below it', 'note-1')
const actor = words('actor', 'the actor’s name', 'ada')
const source = words('source', 'a class of writer', 'user_action')
const since = moment('since')
const until = moment('until')
const limit: Setting<number> = {
  option: 'limit',
  rule: `a whole number from 1 to ${LIMIT_MAX}`,
  example: '200',
  schema: wholeNumber(1, LIMIT_MAX).default(LIMIT_DEFAULT),
}

/** Adds `joinery history` to the program. */
export function addHistoryCommand(program: Command): void {
  addDataOptions(program.command('history').argument('<workspace>', 'its name'))
    .description('List the records of a workspace, the newest last: time, actor, source and what they touched.')
    .option('--block <id>', 'only records that touched this block, or a path below it')
    .option('--actor <name>', 'only records of this actor')
    .option('--source <name>', 'only records of this class of writer')
    .option('--since <time>', 'only records from then on: ISO 8601, or a time ago such as 2h')
    .option('--until <time>', 'only records until then: ISO 8601, or a time ago such as 15m')
    .option('--limit <number>', `number of records, the newest ones (default: ${LIMIT_DEFAULT})`)
    .action(runHistory)
}

async function runHistory(workspace: string, options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const filters = {
    touched: readSetting(block, options, process.env),
    actor: readSetting(actor, options, process.env),
    source: readSetting(source, options, process.env),
    since: readSetting(since, options, process.env),
    until: readSetting(until, options, process.env),
  }
  const given = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined))
  const query: HistoryQuery = { workspace, limit: readSetting(limit, options, process.env), ...given }
  const rows = await withOperator(directory, (operator) => operator.history(query, stopSignal()))
  say(isJson ? JSON.stringify({ workspace, records: rows }) : describe(rows))
}

function describe(rows: readonly HistoryRow[]): string {
  if (rows.length === 0) return 'no records match'
  const cells = rows.map(({ lsn, at, actor: who, source: how, touched, updateBytes }) => {
    const time = new Date(at).toISOString()
    return [lsn, time, who, how, formatBytes(updateBytes), touched.join(' ')]
  })
  return formatTable(['lsn', 'at', 'actor', 'source', 'bytes', 'touched'], cells)
}

const MS_PER = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Parses a time; ms since epoch, or undefined if `text` is not a time. */
export function parseMoment(text: string): number | undefined {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  if (ago) return Date.now() - Number(ago[1]) * MS_PER[ago[2] as keyof typeof MS_PER]
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  // Without a zone, Date takes a time as local and a date as UTC. Here both are UTC, as the times in a server's log.
  const isZoned = /(Z|[+-]\d\d:?\d\d)$/.test(text)
  const ms = Date.parse(text.includes('T') && !isZoned ? `${text}Z` : text)
  return Number.isNaN(ms) ? undefined : ms
}
