import { type FileHandle, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LogError, parseSignedHeads, type SignedHead } from '@joinery/log'
import { AppError } from './app-error.mts'
import { fileFault } from './operations/open-operator.mts'

/** Name of the file in the data directory that signed heads are written to, unless another is given. */
export const HEAD_LOG_FILE = 'HEADS'

/** A file of signed heads, one JSON object a line, to which heads are only appended. */
export interface HeadLogFile {
  /** The last head of each workspace. */
  readonly known: readonly SignedHead[]
  append(head: SignedHead): Promise<void>
  close(): Promise<void>
}

/** Bytes after which a log of heads is put aside, and a new one begun: some 40,000 heads, which are checked at each start. */
const BYTES_MAX = 16 * 1024 * 1024

/**
 * Opens the log of heads, or makes it. A last line that a crash has cut short is removed: it was never promised. A log that has grown
 * large is put aside as `HEADS.1`, `HEADS.2` and so on, and the new one begins with the last head of each workspace. Rejects with
 * {@link AppError} `failed` for a file that can't be read or written, and with `start` for a line that is no signed head.
 */
export async function openHeadLog(path: string, { bytesMax = BYTES_MAX } = {}): Promise<HeadLogFile> {
  try {
    await finishTurning(path)
    let file = await open(path, 'a+', 0o600)
    try {
      const known = await readKnown(file)
      const last = new Map(known.map((head) => [head.workspace, head]))
      let { size } = await file.stat()
      return {
        known,
        append: async (head) => {
          if (size >= bytesMax) {
            await file.close()
            await turn(path, [...last.values()])
            file = await open(path, 'a', 0o600)
            size = (await file.stat()).size
          }
          const line = lineOf(head)
          await file.appendFile(line)
          await file.datasync()
          last.set(head.workspace, head)
          size += Buffer.byteLength(line)
        },
        close: () => file.close(),
      }
    } catch (error) {
      await file.close()
      throw error
    }
  } catch (error) {
    if (error instanceof LogError) {
      const message = `the log of heads ${path} is damaged: ${error.message}; move it away, and a new one is begun`
      throw new AppError('start', message, { cause: error })
    }
    throw fileFault(error, path) ?? error
  }
}

/** All heads in a log, with those that were put aside, as its text; undefined if there is none. */
export async function readHeadLogs(path: string): Promise<string | undefined> {
  const texts: string[] = []
  for (const each of [...(await putAside(path)), path]) {
    const text = await readFile(each, 'utf8').catch(absent)
    if (text !== undefined) texts.push(text.slice(0, text.lastIndexOf('\n') + 1))
  }
  return texts.length === 0 ? undefined : texts.join('')
}

function lineOf(head: SignedHead): string {
  return `${JSON.stringify(head)}\n`
}

/** Puts a log aside, and begins the next one with `heads`. Killed in between, {@link finishTurning} ends it. */
async function turn(path: string, heads: readonly SignedHead[]): Promise<void> {
  const next = await open(nextOf(path), 'w', 0o600)
  try {
    await next.writeFile(heads.map(lineOf).join(''))
    await next.sync()
  } finally {
    await next.close()
  }
  await rename(path, `${path}.${(await putAside(path)).length + 1}`)
  await rename(nextOf(path), path)
  const directory = await open(dirname(path))
  await directory.sync().finally(() => directory.close())
}

async function finishTurning(path: string): Promise<void> {
  if ((await stat(path).catch(absent)) !== undefined) return
  await rename(nextOf(path), path).catch(absent)
}

function nextOf(path: string): string {
  return `${path}.next`
}

/** The logs that were put aside, oldest first. */
async function putAside(path: string): Promise<string[]> {
  const names = (await readdir(dirname(path)).catch(absent)) ?? []
  const number = (name: string): number => Number(name.slice(basename(path).length + 1))
  return names
    .filter((name) => name.startsWith(`${basename(path)}.`) && Number.isSafeInteger(number(name)))
    .sort((a, b) => number(a) - number(b))
    .map((name) => join(dirname(path), name))
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

async function readKnown(file: FileHandle): Promise<SignedHead[]> {
  const text = await file.readFile('utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole))
  if (whole.trim() === '') return []
  // Only the last of each workspace is checked in full: a signature takes a tenth of a millisecond.
  const last = new Map<string, string>()
  for (const [n, line] of whole.trimEnd().split('\n').entries()) last.set(workspaceOf(line, n + 1), line)
  return parseSignedHeads([...last.values()].join('\n'))
}

function workspaceOf(line: string, number: number): string {
  try {
    const { workspace } = JSON.parse(line)
    if (typeof workspace === 'string') return workspace
  } catch (cause) {
    throw new LogError('invalid', `line ${number} is no JSON`, { cause })
  }
  throw new LogError('invalid', `line ${number} is no signed head`)
}
