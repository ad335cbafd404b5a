import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '@joinery/log'
import { missingIsUndefined } from '@joinery/log/operations'

/**
 * Reads a file that keeps a part of the server's state as JSON in the data directory; undefined if there is none. Rejects with
 * `corrupted`, and says what to do, for a file that `parse` does not take.
 */
export async function readStateFile<T>(
  directory: string,
  { name, parse, holds, advice }: { name: string; parse: (text: string) => T; holds: string; advice: string },
): Promise<T | undefined> {
  const file = join(directory, name)
  const text = await readFile(file, 'utf8').catch(missingIsUndefined)
  try {
    return text === undefined ? undefined : parse(text)
  } catch (cause) {
    throw new LogError('corrupted', `${file}, which ${holds}, can't be read: ${advice}`, { cause })
  }
}
