import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

const TEST_FILE = /\.test\.m?tsx?$/

/** Ways to state a deadline in a test. Times that a test sets as a limit of the server have other names. */
const DEADLINES: readonly RegExp[] = [
  /\btimeout:/g,
  /^ *\}, [\d_]+\)$/gm,
  /\bAbortSignal\.timeout\(/g,
  /\.setDefault(?:Navigation)?Timeout\(/g,
  // Without the shared constant, these two wait for one second.
  /\bvi\.wait(?:For|Until)\((?!.*WAIT_MS)/g,
]

/** Tests with a deadline of their own, which a machine that is slow enough misses. */
export function checkOwnDeadlines(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => TEST_FILE.test(path))
    .flatMap(({ path, text }) =>
      DEADLINES.flatMap((deadline) => [...text.matchAll(deadline)]).map((match) => ({
        path,
        line: lineAt(text, match.index),
        message: 'a test states no deadline of its own: vitest.config.ts has one for all',
      })),
    )
}
