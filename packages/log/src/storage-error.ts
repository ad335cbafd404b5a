import { LogError, type LogErrorCode } from './log-error.ts'

/**
 * The words that the error messages of LevelDB and Node contain when there is no room for a write: disk, quota, or file size
 * limit. LevelDB has no error numbers.
 */
const FULL = /No space left on device|Disk quota exceeded|File too large|\b(ENOSPC|EDQUOT|EFBIG)\b/
const NOT_ALLOWED = /Permission denied|Not a directory|Read-only file system|\b(EACCES|EPERM|ENOTDIR|EROFS)\b/

/** Any error met under `directory`, as a LogError whose message says what to do. A LogError is returned as it is. */
export function storageError(cause: unknown, directory: string): LogError {
  if (cause instanceof LogError) return cause
  const { codes, message } = unwind(cause)
  const code = codeFor(codes, message)
  return new LogError(code, `${ADVICE[code](directory)} (${message})`, { cause })
}

type StorageCode = Extract<LogErrorCode, 'storage_full' | 'storage_failed' | 'corrupted' | 'locked' | 'unreadable'>

const ADVICE: Record<StorageCode, (directory: string) => string> = {
  storage_full: (directory) => `no room left to write in ${directory}: free some space, then the log goes on by itself`,
  storage_failed: (directory) => `storage fails in ${directory}: check the disk and the system's log`,
  corrupted: (directory) => `the database in ${directory} is damaged: restore it from a copy`,
  locked: (directory) => `${directory} is open in another process or store: stop that one, or choose another directory`,
  unreadable: (directory) => `${directory} can't be used: choose a directory that this process may read and write`,
}

function codeFor(codes: ReadonlySet<string>, message: string): StorageCode {
  if (codes.has('LEVEL_LOCKED')) return 'locked'
  if (FULL.test(message)) return 'storage_full'
  if (codes.has('LEVEL_CORRUPTION')) return 'corrupted'
  if (NOT_ALLOWED.test(message)) return 'unreadable'
  return 'storage_failed'
}

/** classic-level wraps the cause in errors such as "Database failed to open": the innermost error has the reason. */
function unwind(error: unknown): { codes: Set<string>; message: string } {
  const codes = new Set<string>()
  let message = String(error)
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'string') codes.add(inner.code)
    message = inner.message
  }
  return { codes, message }
}
