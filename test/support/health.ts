import { setTimeout as delay } from 'node:timers/promises'

/** What a server says of itself at `/healthz`. */
export interface Health {
  readonly status: number
  readonly body: { readonly storage: string; readonly code?: string }
}

export async function healthOf(url: string): Promise<Health> {
  const response = await fetch(`${url.replace('ws:', 'http:')}/healthz`)
  return { status: response.status, body: (await response.json()) as Health['body'] }
}

/** Calls `type` between looks at the server's health, until that answers with `status`. */
export async function typeUntilHealth(url: string, status: number, type: () => void): Promise<Health> {
  for (;;) {
    const health = await healthOf(url)
    if (health.status === status) return health
    type()
    await delay(5)
  }
}
