import type { Json } from '@joinery/blocks'

/** Title of a block: its title field, or its id if it has no title. */
export function titleOf(title: Json | undefined, id: string): string {
  return typeof title === 'string' && title.trim() !== '' ? title : id
}

/** Makes a title that no block has yet: `Text 3`. */
export function freshTitle(kind: string, taken: ReadonlySet<string>): string {
  let number = 1
  while (taken.has(`${kind} ${number}`)) number += 1
  return `${kind} ${number}`
}
