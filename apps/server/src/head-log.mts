import { type FileHandle, open } from 'node:fs/promises'
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

/**
 * Opens the log of heads, or makes it. A last line that a crash has cut short is removed: it was never promised. Rejects with
 * {@link AppError} `failed` for a file that can't be read or written, and for a line that is no signed head.
 */
export async function openHeadLog(path: string): Promise<HeadLogFile> {
  try {
    const file = await open(path, 'a+', 0o600)
    try {
      const known = await readKnown(file)
      return {
        known,
        append: async (head) => {
          await file.appendFile(`${JSON.stringify(head)}\n`)
          await file.datasync()
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
