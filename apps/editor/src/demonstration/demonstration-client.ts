import { pagePath } from '../address.ts'

/** Answer of `/demo/status`: the scenarios on offer, and the demonstration of the workspace. */
export interface DemonstrationStatus {
  readonly embedding: string
  readonly scenarios: readonly ScenarioOffer[]
  readonly demonstration: DemonstrationView | null
}
export interface ScenarioOffer {
  readonly name: string
  readonly title: string
  readonly danger: string
  readonly takesBlock: boolean
}
export interface DemonstrationView {
  readonly scenario: string
  readonly state: 'running' | 'finished' | 'stopped' | 'failed'
  readonly reason?: string
  readonly startedAtMs: number
  readonly block?: string
  readonly writers: readonly { pid?: number; actor: string; source: string; state: string }[]
  readonly remarks: readonly { atMs: number; who: string; text: string }[]
  readonly findings: readonly { holds: boolean; text: string }[]
}
export interface Match {
  readonly block: string
  readonly start: number
  readonly text: string
  readonly score: number
}

export class DemonstrationRefusal extends Error {
  override name = 'DemonstrationRefusal'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Reads the status. Rejects with {@link DemonstrationRefusal}: `not_offered` if the server has no demonstration. */
export function readStatus(workspace: string, signal?: AbortSignal): Promise<DemonstrationStatus> {
  return ask(`status?${new URLSearchParams({ workspace })}`, signal === undefined ? {} : { signal })
}

/** Starts a scenario. Resolves when it has begun. */
export function startScenario(workspace: string, scenario: string, block?: string): Promise<DemonstrationStatus> {
  return post('start', { workspace, scenario, ...(block !== undefined && { block }) })
}

/** Stops the workspace's demonstration. Resolves when its processes are gone. */
export function stopScenario(workspace: string): Promise<DemonstrationStatus> {
  return post('stop', { workspace })
}

/** Finds the passages of an index that are most similar to the query, best first. */
export async function searchIndex(
  question: { workspace: string; block: string; index: string; q: string },
  signal: AbortSignal,
): Promise<readonly Match[]> {
  const { matches } = await ask<{ matches: Match[] }>(`search?${new URLSearchParams(question)}`, { signal })
  return matches
}

function post(path: string, body: object): Promise<DemonstrationStatus> {
  const headers = { 'content-type': 'application/json' }
  return ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(pagePath(`demo/${path}`), init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error
    throw new DemonstrationRefusal('unreachable', 'The server can’t be reached: the demonstration needs a connection.')
  })
  const body: unknown = await response.json().catch(() => undefined)
  // A server without a demonstration answers with no content: every page would show an error status in its console.
  if (response.ok && body !== undefined) return body as T
  const { error } = (body ?? {}) as { error?: { code: string; message: string } }
  if (error === undefined) throw new DemonstrationRefusal('not_offered', 'this server offers no demonstration')
  throw new DemonstrationRefusal(error.code, error.message)
}
