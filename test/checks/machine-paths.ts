import { type Finding, lineAt, type SourceFile } from './source-tree.ts'

/** Paths of homes and scratch directories, which exist on the author's machine only. */
const MACHINE_PATH = /(?<![\w.$}/-])\/(?:home|Users|root|work|tmp)\/[\w.-]+/g

/** Absolute paths that mean something on one machine only. */
export function checkMachinePaths(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) =>
    [...file.text.matchAll(MACHINE_PATH)].map((match) => ({
      path: file.path,
      line: lineAt(file.text, match.index),
      message: `${match[0]} is a path of one machine`,
    })),
  )
}
