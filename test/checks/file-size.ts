import type { Finding, SourceFile } from './source-tree.ts'

/** Longest source file, lines. A longer one takes more than one sitting to read, and usually has two topics. */
const LINES_MAX = 400

/** Sources of packages and apps that are longer than {@link LINES_MAX}. */
export function checkFileSize(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => /^(packages|apps)\/[^/]+\/src\/.*\.(ts|tsx|mts)$/.test(file.path))
    .map((file) => ({ path: file.path, lines: file.text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => ({ path, line: LINES_MAX + 1, message: `${lines} lines; split it at ${LINES_MAX}` }))
}
