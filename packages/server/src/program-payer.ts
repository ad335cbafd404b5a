/**
 * The principal that pays for the work of a program inside the server, in one workspace: of its tasks, say. Each workspace has its own, so
 * that the work for one is no debt of another. No token's actor can be meant by it.
 */
export function programPayer(program: 'tasks' | 'files' | 'webhooks' | 'demonstration', workspace: string): string {
  return `!${program}/${workspace}`
}

/** The principal that pays for the requests of a webhook's endpoint: those of all endpoints are no debt of one. */
export function endpointPayer(endpoint: string): string {
  return `!hooks/${endpoint}`
}
