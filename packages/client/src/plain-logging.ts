/**
 * What Yjs uses of `lib0/logging`, without the colours. A bundler that puts this in that module's place leaves out lib0's
 * helpers for the DOM, which weigh 3 KB on a page and colour two warnings.
 */
export const [ORANGE, BOLD, UNBOLD, RED] = ['', '', '', '']

export function print(...words: unknown[]): void {
  console.log(...words)
}

export function warn(...words: unknown[]): void {
  console.warn(...words)
}
