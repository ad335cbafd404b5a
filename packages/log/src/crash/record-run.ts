import { readFile, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Promised } from './course.ts'
import { runTraced, STORAGE_CALLS } from './storage-calls.ts'

/** The changes that a program made to the files of one directory, and its promises, in order. */
export type Happening =
  | { readonly what: 'promised'; readonly promised: Promised }
  | { readonly what: 'created'; readonly file: string }
  /** A write at the end of the file. */
  | { readonly what: 'wrote'; readonly file: string; readonly data: Buffer }
  | { readonly what: 'renamed'; readonly file: string; readonly to: string }
  | { readonly what: 'removed'; readonly file: string }
  /** An fsync of a file, or of the directory (`.`), by a thread. It covers what was there when it began. Several may be under way. */
  | { readonly what: 'fsync began' | 'fsynced'; readonly file: string; readonly thread: string }

/** Files that LevelDB writes for people to read, and its lock. */
const NOT_READ = new Set(['LOG', 'LOG.old', 'LOCK'])
/** Largest single write of these programs. */
const WRITE_BYTES_MAX = 8 * 1024 * 1024

interface Call {
  readonly thread: string
  readonly name: string
  readonly args: string
  readonly result: number
}

/**
 * Runs `program` (arguments of Node) to its end and returns what it did to the files of `directory`. The tracer writes
 * to the file `traced`, which is removed. Throws at a call that the model of power-loss.ts does not know.
 */
export async function recordRun(directory: string, program: readonly string[], traced: string): Promise<Happening[]> {
  const options = ['-y', '-xx', '-s', String(WRITE_BYTES_MAX), '-o', traced, '-e', `trace=${STORAGE_CALLS.join(',')}`]
  const { isKilled } = await runTraced(options, program)
  if (isKilled) throw new Error(`${program.join(' ')} was killed by somebody else`)
  const happened = parseTrace(await readFile(traced, 'latin1'), directory)
  await rm(traced)
  return happened
}

function parseTrace(trace: string, directory: string): Happening[] {
  const happened: Happening[] = []
  const unfinished = new Map<string, { name: string; args: string }>()
  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const begun = /^(\w+)\((.*?)(?: <unfinished \.\.\.>|\) += (-?\d+).*)$/.exec(rest)
    const resumed = /^<\.\.\. \w+ resumed>(.*)\) += (-?\d+)/.exec(rest)
    if (begun !== null) {
      const [, name = '', args = '', result] = begun
      const file = fileIn(directory, name, args)
      if (/^f(data)?sync$/.test(name) && file !== undefined) happened.push({ what: 'fsync began', file, thread })
      if (result === undefined) unfinished.set(thread, { name, args })
      else happened.push(...happeningsOf({ thread, name, args, result: Number(result) }, directory))
    } else if (resumed !== null) {
      const call = unfinished.get(thread)
      if (call === undefined) throw new Error(`the end of no call: ${line.slice(0, 200)}`)
      const args = call.args + (resumed[1] ?? '')
      happened.push(...happeningsOf({ thread, name: call.name, args, result: Number(resumed[2]) }, directory))
    }
  }
  return happened
}

function happeningsOf(call: Call, directory: string): Happening[] {
  const { thread, name, args, result } = call
  if (result < 0) return []
  if (name === 'write' && args.startsWith('1<')) return parsePromises(writtenBy(call))
  const file = fileIn(directory, name, args)
  if (file === undefined) return []
  switch (name) {
    case 'openat':
      if (!args.includes('O_CREAT')) return []
      return [{ what: 'created', file }]
    case 'write':
      return [{ what: 'wrote', file, data: writtenBy(call) }]
    case 'fsync':
    case 'fdatasync':
      return [{ what: 'fsynced', file, thread }]
    case 'rename': {
      const to = basename(stringsOf(args)[1]?.toString() ?? '')
      return [{ what: 'renamed', file, to }]
    }
    case 'unlink':
      return [{ what: 'removed', file }]
    case 'mkdir':
      return []
  }
  throw new Error(`no word for ${name} of ${file}`)
}

function parsePromises(output: Buffer): Happening[] {
  const lines = output.toString().split('\n')
  if (lines.pop() !== '') throw new Error('a promise was not printed at once')
  return lines.map((line) => ({ what: 'promised', promised: JSON.parse(line) as Promised }))
}

function writtenBy({ args, result }: Call): Buffer {
  const [data] = stringsOf(args)
  if (data === undefined || data.byteLength !== result) throw new Error(`a write of ${result} bytes can't be read`)
  return data
}

/**
 * The file of `directory` that a call is about; `.` for the directory itself; undefined for other files, and for files
 * that nobody reads.
 */
function fileIn(directory: string, name: string, args: string): string | undefined {
  const byNumber = /^\d+<([^>]*)>/.exec(args)?.[1]
  const path =
    byNumber === undefined || name === 'openat' ? stringsOf(args)[0]?.toString() : fromHex(byNumber).toString()
  if (path === undefined) return undefined
  if (path === directory) return '.'
  const file = basename(path)
  return dirname(path) === directory && !NOT_READ.has(file) ? file : undefined
}

/** The text between quotation marks. */
function stringsOf(args: string): Buffer[] {
  return [...args.matchAll(/"([^"]*)"/g)].map(([, text = '']) => fromHex(text))
}

/** Each byte is written as \xNN. Replacing these in the text takes seconds for megabytes. */
function fromHex(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length / 4)
  for (let n = 0; n < bytes.byteLength; n++) {
    bytes[n] = digitAt(text, 4 * n + 2) * 16 + digitAt(text, 4 * n + 3)
  }
  return bytes
}

function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 0x3a ? code - 0x30 : code - 0x57
}
