import type { Block } from './block.ts'
import type { Json } from './json.ts'
import type { ClaimAuthor } from './write-arguments.ts'

/** Sets many fields of a block at once, and removes those whose value is undefined: `block.fields.change`. */
export function changeFields(
  block: Block,
  values: Readonly<Record<string, Json | undefined>>,
  author: ClaimAuthor,
): void {
  block.fields.change(values, author)
}
