import type { Author } from './author-runs.ts'

const KINDS: Readonly<Record<string, string>> = {
  workflow_execution: 'a run',
  instantiation: 'a template',
  polling_sync: 'a poller',
  resources: 'a task',
  provider: 'a provider',
}

/** The kind of job that a source stands for; undefined for a person. */
export const jobKind = (source: string): string | undefined => KINDS[source]

/** Whether a person wrote it by hand. */
export const isByPerson = ({ source }: Author): boolean => source === 'user_action'

/** An author in words: `Ann`, or `nightly, a run`. */
export function authorWords(author: Author | undefined): string {
  if (author === undefined) return 'somebody unknown'
  const kind = jobKind(author.source)
  return kind === undefined || kind === `a ${author.actor}` ? author.actor : `${author.actor}, ${kind}`
}
