import { setTimeout as delay } from 'node:timers/promises'

/** A server's answer at `/healthz`. */
export interface Health {
  readonly status: number
  readonly body: { readonly storage: string; readonly code?: string }
}

export async function healthOf(url: string): Promise<Health> {
  const response = await fetch(`${url.replace('ws:', 'http:')}/healthz`)
  return { status: response.status, body: (await response.json()) as Health['body'] }
}

/** Asks for the server's health and calls `type`, in turn, until the answer has `status`. */
export async function typeUntilHealth(url: string, status: number, type: () => void): Promise<Health> {
  for (;;) {
    const health = await healthOf(url)
    if (health.status === status) return health
    type()
    await delay(5)
  }
}
