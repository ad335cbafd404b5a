import type { Json } from '@joinery/blocks'

/** What a block is called: its title field, or its id where nobody gave it one. */
export function titleOf(title: Json | undefined, id: string): string {
  return typeof title === 'string' && title.trim() !== '' ? title : id
}

/** A title that no block has: `Text 3`. */
export function freshTitle(kind: string, taken: ReadonlySet<string>): string {
  let number = 1
  while (taken.has(`${kind} ${number}`)) number += 1
  return `${kind} ${number}`
}
