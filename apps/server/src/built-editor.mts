import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { AppError } from './app-error.mts'

/** One file of a build. */
export interface BuiltFile {
  readonly bytes: Buffer
  /** The bytes by gzip: a third of them. */
  readonly gzipped: Buffer
  readonly type: string
  /** Value of the header ETag. */
  readonly etag: string
}

/** A build of the editor, as it was when it was read. */
export interface BuiltEditor {
  /** The page at `/w/<workspace>`, without a workspace's data. */
  readonly page: string
  /** The other files, by path: `/assets/…`, the service worker, the script of the first screen. */
  readonly files: ReadonlyMap<string, BuiltFile>
}

const PAGE = '/index.html'
/** Types of the files that Vite builds of the editor. */
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

/**
 * Reads a build into memory, a few megabytes. A server that has done so serves one build for as long as it runs, the page and
 * the files that it names, also after another process has put a newer build in the same place. Rejects with {@link AppError}
 * `start` if the directory has no page, or a file of a type that is not known.
 */
export async function readBuiltEditor(directory: string): Promise<BuiltEditor> {
  const before = await stat(directory)
  const files = new Map(await Promise.all((await pathsBelow(directory)).map((path) => readBuilt(directory, path))))
  // A build is replaced as a whole: what was read is of two builds if the directory is another one now.
  if ((await stat(directory)).ino !== before.ino) return readBuiltEditor(directory)
  const page = files.get(PAGE)
  if (page === undefined) throw new AppError('start', `${directory} has no page of the editor`)
  files.delete(PAGE)
  return { page: page.bytes.toString(), files }
}

async function readBuilt(directory: string, path: string): Promise<[path: string, file: BuiltFile]> {
  const type = TYPES[extname(path)]
  if (type === undefined) throw new AppError('start', `the editor has a file of an unknown type: ${path}`)
  const bytes = await readFile(join(directory, path))
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const gzipped = await promisify(gzip)(bytes)
  return [path, { bytes, gzipped, type: `${type};charset=utf-8`, etag }]
}

async function pathsBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length))
}
