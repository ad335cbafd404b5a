import type { Author } from './author-runs.ts'

const KINDS: Readonly<Record<string, string>> = {
  workflow_execution: 'a run',
  instantiation: 'a template',
  polling_sync: 'a poller',
  resources: 'a task',
  provider: 'a provider',
}

/** The kind of job that an author is; undefined for a person, and where the name says it already. */
export function jobKind({ actor, source }: Author): string | undefined {
  const kind = KINDS[source]
  return kind === `a ${actor}` ? undefined : kind
}

/** Whether a person wrote it by hand. */
export const isByPerson = ({ source }: Author): boolean => source === 'user_action'

/** An author in words: `Ann`, or `nightly, a run`. */
export function authorWords(author: Author | undefined): string {
  if (author === undefined) return 'somebody unknown'
  const kind = jobKind(author)
  return kind === undefined ? author.actor : `${author.actor}, ${kind}`
}
