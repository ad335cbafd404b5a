import { setTimeout as pause } from 'node:timers/promises'
import { HttpCaller } from './http-caller.ts'
import type { LeaseCall } from './lease-history.ts'

const TTLS_MS = [150, 400, 1_000]

interface Held {
  readonly name: string
  readonly token: string
  readonly fence: number
  readonly ttlMs: number
}

/** The history of all actors, and what they wrote. */
export interface LeaseScene {
  readonly url: string
  readonly random: () => number
  readonly calls: LeaseCall[]
  /** Block of each write: whether the server said that it was made. Undefined where no answer came. */
  readonly writes: Map<string, boolean | undefined>
  /** Number of older copies that have been put back so far. */
  copy: number
  isOver: boolean
}

/** Acquires leases and writes under them at random, also long after it let its time pass, as a process that was stopped. */
export async function act(scene: LeaseScene, actor: string): Promise<void> {
  const { random, calls } = scene
  using caller = new HttpCaller(scene.url, { 'x-joinery-actor': actor })
  const chance = (part: number): boolean => random() < part
  /** Makes a call. Undefined when its outcome is unknown. */
  const ask = async (method: string, path: string, body?: unknown, token?: string) => {
    const sentMs = performance.now()
    const { copy } = scene
    try {
      const headers: Record<string, string> = token === undefined ? {} : { 'x-joinery-lease': token }
      const { status, json } = await caller.call(method, `/v1/workspaces/w${path}`, body, headers)
      if (status >= 500) return undefined
      return { status, json, times: { sentMs, answeredMs: performance.now(), copy } }
    } catch {
      // The server was killed: the next one is on its way.
      await pause(5 + random() * 20)
      return undefined
    }
  }
  const prove = async (kind: LeaseCall['kind'], held: Held, method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body, held.token)
    if (answer === undefined) return undefined
    const isLost = answer.json?.error?.code === 'lease_lost'
    if (answer.status >= 300 && !isLost) throw new Error(`${kind} was answered ${answer.status}`)
    const { name, fence, ttlMs } = held
    calls.push({ kind, name, fence, ttlMs, stood: !isLost, ...answer.times })
    return !isLost
  }
  for (let n = 0; !scene.isOver; n++) {
    const name = chance(0.5) ? 'a' : 'b'
    const ttlMs = TTLS_MS[Math.floor(random() * TTLS_MS.length)] ?? 400
    const got = await ask('POST', '/leases', { name, ttlMs, waitMs: chance(0.5) ? 300 : 0 })
    if (got?.status === 409 && got.json.current !== undefined) {
      calls.push({ kind: 'look', name, fence: got.json.current.fence, ttlMs, stood: true, ...got.times })
    }
    if (got?.status !== 201) continue
    const held: Held = { name, token: got.json.token, fence: got.json.fence, ttlMs }
    calls.push({ kind: 'acquire', name, fence: held.fence, ttlMs, stood: true, ...got.times })
    for (let step = 0; step < 8 && !scene.isOver; step++) {
      if (chance(0.15)) await pause(ttlMs * (0.5 + random()))
      if (chance(0.2)) await prove('renew', held, 'POST', `/leases/${name}/renew`, { token: held.token })
      const block = `${actor}-${n}-${step}`
      scene.writes.set(block, undefined)
      const made = await prove('write', held, 'PUT', `/blocks/${block}`, { type: 'text', content: String(held.fence) })
      if (made !== undefined) scene.writes.set(block, made)
    }
    if (chance(0.5)) await prove('release', held, 'DELETE', `/leases/${name}`)
  }
}
