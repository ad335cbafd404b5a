/**
 * The part of `lib0/logging` that Yjs uses, without colours. A bundler that replaces that module by this one leaves out lib0's
 * helpers for the DOM: they take 3 kB of a page to colour two warnings.
 */
export const [ORANGE, BOLD, UNBOLD, RED] = ['', '', '', '']

export function print(...words: unknown[]): void {
  console.log(...words)
}

export function warn(...words: unknown[]): void {
  console.warn(...words)
}
