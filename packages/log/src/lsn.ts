declare const lsnBrand: unique symbol
/** Position in one workspace's log: 1, 2, 3 … without gaps. 0 stands for "before the first record". */
export type Lsn = number & { readonly [lsnBrand]: true }

/** Keys hold 48 bits: at 100,000 appends a second one workspace lasts 89 years. */
export const LSN_MAX = 2 ** 48 - 1
