import { LogError, type LogErrorCode } from './log-error.ts'

/** What LevelDB, which has no error numbers, and Node say when the room for a write is used up: disk, quota, file size limit. */
const FULL = /No space left on device|Disk quota exceeded|File too large|\b(ENOSPC|EDQUOT|EFBIG)\b/
const NOT_ALLOWED = /Permission denied|Not a directory|Read-only file system|\b(EACCES|EPERM|ENOTDIR|EROFS)\b/

/** Any error met under `directory` as a LogError whose message says what to do. A LogError stays what it is. */
export function storageError(cause: unknown, directory: string): LogError {
  if (cause instanceof LogError) return cause
  const { codes, message } = unwind(cause)
  const code = codeFor(codes, message)
  return new LogError(code, `${ADVICE[code](directory)} (${message})`, { cause })
}

type StorageCode = Extract<LogErrorCode, 'storage_full' | 'storage_failed' | 'corrupted' | 'locked' | 'unreadable'>

const ADVICE: Record<StorageCode, (directory: string) => string> = {
  storage_full: (directory) => `no room left to write in ${directory}: free some, the log goes on by itself`,
  storage_failed: (directory) => `storage fails in ${directory}: look at the disk and the system's log`,
  corrupted: (directory) => `the database in ${directory} is damaged: restore it from a copy`,
  locked: (directory) => `${directory} is open in another process or store: stop that one or choose another directory`,
  unreadable: (directory) => `${directory} can't be used: it has to be a directory this process may read and write`,
}

function codeFor(codes: ReadonlySet<string>, message: string): StorageCode {
  if (codes.has('LEVEL_LOCKED')) return 'locked'
  if (FULL.test(message)) return 'storage_full'
  if (codes.has('LEVEL_CORRUPTION')) return 'corrupted'
  if (NOT_ALLOWED.test(message)) return 'unreadable'
  return 'storage_failed'
}

/** classic-level wraps what went wrong in "Database failed to open" and the like: the reason is at the inner end. */
function unwind(error: unknown): { codes: Set<string>; message: string } {
  const codes = new Set<string>()
  let message = String(error)
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'string') codes.add(inner.code)
    message = inner.message
  }
  return { codes, message }
}
