import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, syncFolder, writeWhole } from './disk-files.ts'
import { FileError } from './file-error.ts'
import type { FileRef } from './file-store.ts'
import { isSha256 } from './upload-plan.ts'

/** The outcome for a file that was to be copied. `gone`: it is not there. `damaged`: its bytes are others than its digest says. */
export type Copied = 'copied' | 'there' | 'gone' | 'damaged'

/** The files in the folder of a `DiskStore`: what is being uploaded is none. */
export async function* filesIn(directory: string): AsyncGenerator<FileRef> {
  for (const scope of await namesIn(directory)) {
    for (const sha256 of await namesIn(join(directory, scope))) {
      if (!isSha256(sha256)) continue
      const bytes = await bytesOf(join(directory, scope, sha256))
      if (bytes !== undefined) yield { scope, sha256, bytes }
    }
  }
}

/**
 * Copies a file from the folder of one `DiskStore` to that of another, into `scope`. It is there as a whole and on the disk, or not at
 * all. Its bytes are compared with its digest.
 */
export async function copyFile(from: string, to: string, file: FileRef, scope = file.scope): Promise<Copied> {
  const { sha256, bytes } = file
  const source = join(from, file.scope, sha256)
  const target = join(to, scope, sha256)
  if ((await bytesOf(target)) === bytes) return 'there'
  if ((await bytesOf(source)) === undefined) return 'gone'
  const made = await mkdir(join(to, scope), { recursive: true, mode: 0o700 })
  if (made !== undefined) await syncFolder(join(made, '..'))
  try {
    await writeWhole(target, `${target}.${randomUUID()}.tmp`, checkedBytes(source, sha256))
    return 'copied'
  } catch (error) {
    if (error instanceof FileError && error.code === 'wrong_digest') return 'damaged'
    throw error
  }
}

function checkedBytes(path: string, sha256: string): AsyncGenerator<Uint8Array> {
  return withDigest(createReadStream(path, { highWaterMark: 1024 ** 2 }), sha256)
}

/** The same bytes. Throws `wrong_digest` at their end if they are not those of the digest. */
export async function* withDigest(chunks: AsyncIterable<Uint8Array>, sha256: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== sha256)
    throw new FileError('wrong_digest', `a copy of ${sha256} has other bytes than its name says`)
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}

async function bytesOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
