import { FileError } from './file-error.ts'

/** Characters of the longest name that a status takes. */
const NAME_MAX = 256
/** Files of one name that a block may have. */
const TRIES_MAX = 1_000

interface Named {
  readonly name: string
  readonly sha256: string | undefined
  readonly status: string
}

/**
 * The name under which a block shows a file: the given one, or one with a number where that belongs to another file, as folders do.
 * A file that failed gives its name back. Control characters and the separators of paths are replaced.
 */
export function freeName(asked: string, taken: readonly Named[], sha256: string): string {
  const clean = asked
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}/\\]/gu, '_')
    .trim()
  const name = clean === '' || clean === '.' || clean === '..' ? 'file' : clean
  const dot = name.lastIndexOf('.')
  const [stem, ending] = dot > 0 && name.length - dot <= 20 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  for (let number = 1; number <= TRIES_MAX; number++) {
    const mark = number === 1 ? ending : ` (${number})${ending}`
    const candidate = `${stem.slice(0, NAME_MAX - mark.length).toWellFormed()}${mark}`
    const owner = taken.find((each) => each.name === candidate)
    if (owner === undefined || owner.status === 'failed' || owner.sha256 === sha256) return candidate
  }
  throw new FileError('invalid', `the block has ${TRIES_MAX} files of this name: give it another`)
}
