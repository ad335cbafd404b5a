import { LogError } from './log-error.ts'

declare const lsnBrand: unique symbol
/** Position in one workspace's log: 1, 2, 3 … without gaps. 0 stands for "before the first record". */
export type Lsn = number & { readonly [lsnBrand]: true }

/** Keys hold 48 bits: at 100,000 appends a second one workspace lasts 89 years. */
export const LSN_MAX = 2 ** 48 - 1

/** `value` as an LSN. Throws `invalid` unless it is a whole number from 0 to {@link LSN_MAX}. */
export function parseLsn(value: number): Lsn {
  if (!Number.isInteger(value) || value < 0 || value > LSN_MAX) {
    throw new LogError('invalid', `${value} is no LSN: a whole number from 0 to ${LSN_MAX} is`)
  }
  return value as Lsn
}
