import { BlocksError } from './blocks-error.ts'
import { isForbiddenKey } from './json.ts'

/** Greatest length of a block or edge id, in code units. A UUID, a nanoid or a path of names fits, and log records with ids stay small. */
export const ID_LENGTH_MAX = 128

/** The characters of an id. `/` separates block and field in the log's paths. Control characters and lone surrogates don't survive logs and URLs. */
const ID_PATTERN = /^[^/\p{Cc}\p{Cs}]+$/u

/** True for 1 to {@link ID_LENGTH_MAX} code units of well-formed text without `/` and control characters, and not the forbidden key. */
export function isBlockId(id: unknown): id is string {
  return typeof id === 'string' && id.length <= ID_LENGTH_MAX && ID_PATTERN.test(id) && !isForbiddenKey(id)
}

/** True for names that URLs take for steps between folders, so that nobody could reach them over HTTP. Older documents may hold them. */
export function isFolderStep(name: string): boolean {
  return name === '.' || name === '..'
}

/** Throws `bad_block_id` (or `bad_edge_id`) for anything that {@link isBlockId} refuses, and for `.` and `..`. */
export function assertId(id: unknown, kind: 'block' | 'edge'): asserts id is string {
  if (isBlockId(id) && !isFolderStep(id)) return
  throw new BlocksError(
    kind === 'block' ? 'bad_block_id' : 'bad_edge_id',
    `${JSON.stringify(id)?.slice(0, 80)} is no ${kind} id: choose 1 to ${ID_LENGTH_MAX} characters without "/" or control characters, and not "." or ".."`,
    'id',
  )
}
