import { LogError } from './log-error.ts'
import { LSN_MAX, type Lsn } from './lsn.ts'

/** `value` as an LSN. Throws `invalid` unless it is a whole number from 0 to {@link LSN_MAX}. */
export function parseLsn(value: number): Lsn {
  if (!Number.isInteger(value) || value < 0 || value > LSN_MAX) {
    throw new LogError('invalid', `${value} is no LSN: an LSN is a whole number from 0 to ${LSN_MAX}`)
  }
  return value as Lsn
}
