const WORDS: Readonly<Record<string, string>> = {
  user_action: 'by hand',
  workflow_execution: 'by a workflow',
  instantiation: 'by a template',
  polling_sync: 'by a poller',
  server: 'by the server',
  resources: 'by a task',
  provider: 'by a provider',
}

/** Words for a class of writer: “by a workflow”. */
export function sourceWords(source: string): string {
  return WORDS[source] ?? source
}

/** Words for an actor and its class of writer: “by Ann, by hand”, but not “by template, by a template”. */
export function byWords(actor: string, source: string): string {
  const how = sourceWords(source)
  return how === `by a ${actor}` ? how : `by ${actor}, ${how}`
}

/** Formats the time of the day in the browser's locale. */
export function timeWords(atMs: number): string {
  return new Date(atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}
