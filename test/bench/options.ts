import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PEER_NAMES, type PeerName } from './peers.ts'
import { ROW_NAMES, type RowName, type Scale } from './rows.ts'

export const USAGE = `usage: node test/bench/run.ts [options]
  --rows A,B      of ${ROW_NAMES.join(', ')}; default all
  --peers A,B     of ${PEER_NAMES.join(', ')}; default those each row is meant for
  --short         little work: shows that everything runs, the figures mean nothing
  --repeat N      runs every row N times and takes the median of each figure; default 1
  --trace FILE    gzipped editing trace for the history row; default automerge-paper.json.gz in the folder
                  JOINERY_TRACES, else a generated one of the same size
  --profile DIR   writes a CPU profile of every Joinery server into DIR
  --json FILE     writes all figures of all runs to FILE
  --strict        exit code 1 when a bound is missed or unknown, too`

export interface BenchOptions {
  readonly rows: readonly RowName[]
  /** Undefined: those each row is meant for. */
  readonly peers: readonly PeerName[] | undefined
  readonly scale: Scale
  readonly repeat: number
  readonly traceFile: string | undefined
  readonly profileDirectory: string | undefined
  readonly jsonFile: string | undefined
  readonly isStrict: boolean
}

/** A command line that can't be meant. The message says what would be right. */
export class OptionsError extends Error {
  override name = 'OptionsError'
}

function namesOf<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  return text.split(',').map((given) => {
    const name = known.find((candidate) => candidate === given)
    if (name === undefined) throw new OptionsError(`${option}: "${given}" is none of ${known.join(', ')}`)
    return name
  })
}

function traceFileOf(given: string | undefined, folder: string | undefined): string | undefined {
  const file = given ?? (folder === undefined ? undefined : join(folder, 'automerge-paper.json.gz'))
  if (file !== undefined && !existsSync(file)) throw new OptionsError(`there is no editing trace at ${file}`)
  return file
}

/** Reads the command line. Throws {@link OptionsError} on anything it does not know. */
export function parseOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): BenchOptions {
  const { values } = parseArgsOrThrow(args)
  const repeat = Number(values.repeat)
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 100) {
    throw new OptionsError(`--repeat is a whole number from 1 to 100, not "${values.repeat}"`)
  }
  return {
    rows: values.rows === undefined ? ROW_NAMES : namesOf('--rows', values.rows, ROW_NAMES),
    peers: values.peers === undefined ? undefined : namesOf('--peers', values.peers, PEER_NAMES),
    scale: values.short ? 'short' : 'full',
    repeat,
    traceFile: traceFileOf(values.trace, env.JOINERY_TRACES),
    profileDirectory: values.profile,
    jsonFile: values.json,
    isStrict: values.strict,
  }
}

function parseArgsOrThrow(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rows: { type: 'string' },
        peers: { type: 'string' },
        short: { type: 'boolean', default: false },
        repeat: { type: 'string', default: '1' },
        trace: { type: 'string' },
        profile: { type: 'string' },
        json: { type: 'string' },
        strict: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw new OptionsError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
