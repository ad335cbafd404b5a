import { setTimeout as pause } from 'node:timers/promises'
import { HttpCaller } from './http-caller.ts'
import type { LeaseCall } from './lease-history.ts'

const TTLS_MS = [150, 400, 1_000]
/** The longest pause before a call that found no server is made again, ms: a server that starts needs the machine. */
const NO_SERVER_MS_MAX = 200
/** The longest pause before a caller asks again for a lease that another holds, ms. */
const HELD_MS_MAX = 30

interface Held {
  readonly name: string
  readonly token: string
  readonly fence: number
  readonly ttlMs: number
}

/** A block that an actor wrote under a lease, and whether the server said that it was made: undefined where no answer came. */
export interface LeaseWrite {
  readonly block: string
  readonly workspace: string
  readonly made: boolean | undefined
  readonly sentMs: number
}

/** Where and how an actor works, and who is told what it does. */
export interface LeaseScene {
  readonly url: string
  readonly random: () => number
  isOver(): boolean
  call(call: LeaseCall): void
  write(write: LeaseWrite): void
}

/** The monotonic clock that all processes of a machine share, ms. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Acquires leases and writes under them at random, also long after it let its time pass, as a process that was stopped. */
export async function act(scene: LeaseScene, workspace: string, actor: string): Promise<void> {
  const { random } = scene
  using caller = new HttpCaller(scene.url, { 'x-joinery-actor': actor })
  const chance = (part: number): boolean => random() < part
  /** Makes a call. Undefined when its outcome is unknown. */
  const ask = async (method: string, path: string, body?: unknown, token?: string) => {
    const sentMs = machineMs()
    try {
      const headers: Record<string, string> = token === undefined ? {} : { 'x-joinery-lease': token }
      const { status, json } = await caller.call(method, `/v1/workspaces/${workspace}${path}`, body, headers)
      if (status >= 500) return undefined
      return { status, json, times: { sentMs, answeredMs: machineMs() } }
    } catch {
      // The server was killed: the next one is on its way.
      await pause(NO_SERVER_MS_MAX * (0.5 + random() / 2))
      return undefined
    }
  }
  const prove = async (kind: LeaseCall['kind'], held: Held, method: string, path: string, body?: unknown) => {
    const answer = await ask(method, path, body, held.token)
    if (answer === undefined) return undefined
    const isLost = answer.json?.error?.code === 'lease_lost'
    if (answer.status >= 300 && !isLost) throw new Error(`${kind} was answered ${answer.status}`)
    const { fence, ttlMs } = held
    scene.call({ kind, name: `${workspace}/${held.name}`, fence, ttlMs, stood: !isLost, ...answer.times })
    return !isLost
  }
  for (let n = 0; !scene.isOver(); n++) {
    const name = chance(0.5) ? 'a' : 'b'
    const ttlMs = TTLS_MS[Math.floor(random() * TTLS_MS.length)] ?? 400
    const got = await ask('POST', '/leases', { name, ttlMs, waitMs: chance(0.5) ? 300 : 0 })
    const told = { name: `${workspace}/${name}`, ttlMs, stood: true } as const
    if (got?.status === 409 && got.json.current !== undefined) {
      scene.call({ ...told, kind: 'look', fence: got.json.current.fence, ...got.times })
      await pause(HELD_MS_MAX * random())
    }
    if (got?.status !== 201) continue
    const held: Held = { name, token: got.json.token, fence: got.json.fence, ttlMs }
    scene.call({ ...told, kind: 'acquire', fence: held.fence, ...got.times })
    for (let step = 0; step < 8 && !scene.isOver(); step++) {
      if (chance(0.15)) await pause(ttlMs * (0.5 + random()))
      if (chance(0.2)) await prove('renew', held, 'POST', `/leases/${name}/renew`, { token: held.token })
      const write = { block: `${actor}-${n}-${step}`, workspace, made: undefined, sentMs: machineMs() }
      scene.write(write)
      const content = { type: 'text', content: String(held.fence) }
      const made = await prove('write', held, 'PUT', `/blocks/${write.block}`, content)
      if (made !== undefined) scene.write({ ...write, made })
    }
    if (chance(0.5)) await prove('release', held, 'DELETE', `/leases/${name}`)
  }
}
