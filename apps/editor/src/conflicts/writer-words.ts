/** Classes of writers as a sentence names one of them. */
export const WRITERS: Readonly<Record<string, string>> = {
  user_action: 'a person',
  workflow_execution: 'a workflow',
  instantiation: 'a template',
  polling_sync: 'a poller',
  resources: 'a task',
  server: 'the server',
  provider: 'a provider',
}

/** A class of writers: “a workflow”. Those of an application's own machines go by their names. */
export const writerWords = (source: string): string => WRITERS[source] ?? source

/** A writer in a sentence: “indexer (a workflow)”, and a person by name alone. */
export function by({ actor, source }: { readonly actor: string; readonly source: string }): string {
  if (writerWords(source) === `a ${actor}`) return `the ${actor}`
  return source === 'user_action' ? actor : `${actor} (${writerWords(source)})`
}
