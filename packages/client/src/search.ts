import { askServer } from './history-request.ts'
import type { Workspace } from './workspace.ts'

/** The passage of a block that is most like a query. */
export interface SearchMatch {
  readonly block: string
  /** Place in the content, code units; null for the title. */
  readonly start: number | null
  readonly text: string
  /** Cosine, to 1. Scores of different models can't be compared. */
  readonly score: number
}

/** The answer of the server's search. */
export interface SearchResult {
  /** `meaning`: by vectors of a language model. `letters`: by hashed n-grams, which know words and no meaning. */
  readonly by: 'meaning' | 'letters'
  /** Name of the model, for people. */
  readonly model: string
  /** At most one of each block, the most similar first. */
  readonly matches: readonly SearchMatch[]
  /** Passages whose vectors are being made: ask again for them. */
  readonly pending: number
  /** Why the search is by letters although a model is configured. */
  readonly problem?: string
}

export interface SearchOptions {
  /** From 1 to 50, 10 by default. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/**
 * Searches the texts of a workspace on the server, by meaning where it has an embedding service. `query`: 1 to 500 characters. Rejects
 * with {@link ClientError}, and with the reason of the signal. Not a part of `Workspace`: an application without it need not load it.
 */
export function searchWorkspace(
  workspace: Workspace,
  query: string,
  { limit, signal }: SearchOptions = {},
): Promise<SearchResult> {
  return askServer<SearchResult>(workspace.target, { path: '/search', query: { q: query, limit }, signal })
}
