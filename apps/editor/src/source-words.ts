const WORDS: Readonly<Record<string, string>> = {
  user_action: 'by hand',
  workflow_execution: 'by a workflow',
  instantiation: 'by a template',
  polling_sync: 'by a poller',
  server: 'by the server',
}

/** How something was written, for a person. */
export function sourceWords(source: string): string {
  return WORDS[source] ?? source
}

/** By whom and how: “by Ann, by hand”, but not “by template, by a template”. */
export function byWords(actor: string, source: string): string {
  const how = sourceWords(source)
  return how === `by a ${actor}` ? how : `by ${actor}, ${how}`
}

/** Time of the day, as people here write it. */
export function timeWords(atMs: number): string {
  return new Date(atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}
