import { setImmediate } from 'node:timers/promises'
import { LogError, SNAPSHOT_POLICY_DEFAULT } from '@joinery/log'
import fc from 'fast-check'
import pino from 'pino'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { AnnouncedIds } from '../content/announced-ids.ts'
import { ClientIdMemory } from '../content/client-id-memory.ts'
import { ColdCache } from '../content/cold-cache.ts'
import { DocumentMemory } from '../content/document-memory.ts'
import { openRules } from '../content/document-rules.ts'
import { LoadTurns } from '../content/load-turns.ts'
import { alwaysMine } from '../content/ownership.ts'
import { LoadTrials } from '../content/trials/load-trials.ts'
import { Trials } from '../content/trials/trials.ts'
import { Upkeep } from '../content/upkeep.ts'
import { Counters } from '../counters.ts'
import { SystemLogs } from '../inside/system-logs.ts'
import { Workspaces } from '../inside/workspaces.ts'
import { Leases } from '../leases/leases.ts'
import { Ledger } from '../ledger.ts'
import { SERVER_LIMITS } from '../limits.ts'
import { Quotas } from '../quotas.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { MemoryClient } from '../testing/memory-client.ts'
import { W } from '../testing/server-fixture.ts'
import { Turns } from '../turns.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Backlog } from './backlog.ts'
import { KeyedTurns } from './keyed-turns.ts'
import { KeyedUpdates } from './keyed-updates.ts'
import { RecordListeners } from './record-listeners.ts'
import { Rooms } from './rooms.ts'

/** Nobody rests for a time: these histories count turns. */
const UNRESTED = { ...SERVER_LIMITS, costContentionMs: -1 }
const RUNS = process.env.JOINERY_NIGHTLY === undefined ? 400 : 20_000
const CLIENTS = 4
/** Bytes of two or three edits. Clients that send more are held while a gate keeps edits from being durable. */
const BACKLOG_BYTES_MAX = 60
const writer = { actor: 'engine', source: 'workflow_execution' }

type Step =
  | { readonly does: 'join' | 'write' | 'leave'; readonly who: number }
  | { readonly does: 'edit' | 'read' | 'past' | 'sweep' | 'snapshot' }
  | { readonly does: 'hold' | 'release'; readonly gate: 'openGate' | 'readGate' | 'snapshotGate' | 'durableGate' }
  | { readonly does: 'break' | 'mend'; readonly what: 'open' | 'read' | 'snapshot' | 'storage' }
  | { readonly does: 'turns'; readonly count: number }

const who = fc.nat(CLIENTS - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('join' as const), who }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('write' as const), who }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('leave' as const), who }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom('edit' as const, 'read' as const, 'past' as const, 'sweep' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('sweep' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constantFrom('hold' as const, 'release' as const),
      gate: fc.constantFrom('openGate' as const, 'readGate' as const, 'snapshotGate' as const, 'durableGate' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constantFrom('break' as const, 'mend' as const),
      what: fc.constantFrom('open' as const, 'read' as const, 'snapshot' as const, 'storage' as const),
    }),
  },
)

/** Rooms on a store behind gates, and clients that join, write and leave. A client's edits stay in its document. */
class Scene {
  readonly store = new GatedStore()
  readonly counters = new Counters()
  readonly failures: string[] = []
  readonly turns = new KeyedTurns()
  readonly loadTurns = new LoadTurns({ ...SERVER_LIMITS, answerTurnMs: 0 })
  readonly leases = new Leases({ store: this.store, limits: SERVER_LIMITS, logger: pino({ level: 'silent' }) })
  readonly rooms = new Rooms({
    store: this.store,
    rules: openRules,
    limits: { ...SERVER_LIMITS, roomIdleMs: 0, coolAfterMs: 0, coldBytesMax: 2_000 },
    logger: pino({ level: 'error' }, { write: (line: string) => this.failures.push(line) }),
    acknowledgements: new Acknowledgements(),
    backlog: new Backlog(BACKLOG_BYTES_MAX, this.counters),
    keyed: new KeyedUpdates(this.turns, SERVER_LIMITS, this.leases),
    quotas: new Quotas(),
    ledger: new Ledger({ limits: UNRESTED, counters: this.counters, logger: pino({ level: 'silent' }) }),
    counters: this.counters,
    ownership: alwaysMine(Number.NEGATIVE_INFINITY),
    cache: new ColdCache(2_000, this.loadTurns),
    clientIds: new ClientIdMemory(),
    announced: new AnnouncedIds(),
    listeners: new RecordListeners(pino({ level: 'silent' })),
    loads: new Turns(2),
    trials: new Trials(SERVER_LIMITS),
    loadTurns: this.loadTurns,
    memory: new DocumentMemory(Number.POSITIVE_INFINITY),
    loadTrials: new LoadTrials({ limits: SERVER_LIMITS, counters: new Counters(), logger: pino({ level: 'silent' }) }),
    upkeep: new Upkeep(),
    snapshots: { ...SNAPSHOT_POLICY_DEFAULT, records: 5 },
    keepHistory: 'forever',
    isInHurry: () => false,
  })
  readonly workspaces = new Workspaces(this.rooms, this.store, this.turns, new SystemLogs(this.store), this.leases)
  readonly docs = Array.from({ length: CLIENTS }, () => new Y.Doc())
  readonly clients = new Map<number, MemoryClient>()
  /** Keys whose writers were told that they are durable. */
  readonly #acknowledged = new Set<string>()
  readonly #written = new Map<MemoryClient, { frame: number; key: string }[]>()
  readonly #gates = new Map<string, () => void>()
  readonly #inside: Promise<void>[] = []
  #count = 0

  async play(step: Step): Promise<void> {
    switch (step.does) {
      case 'join':
        if (this.clients.get(step.who)?.isOpen) return
        this.#join(step.who)
        return
      case 'write':
        return this.#write(step.who)
      case 'leave':
        this.clients.get(step.who)?.leave()
        return
      case 'turns':
        for (let turn = 0; turn < step.count; turn++) await this.#turn()
        return
      case 'edit':
        this.#edit()
        return
      case 'read':
        this.#look(this.workspaces.read(W, ({ doc }) => [...doc.getMap('m').keys()]))
        return
      case 'past':
        this.#look(
          this.workspaces.past(W, { at: Number.MAX_SAFE_INTEGER }).then(({ doc }) => [...doc.getMap('m').keys()]),
        )
        return
      case 'sweep':
        this.rooms.sweep(performance.now() + 1_000)
        return
      case 'hold':
        if (!this.#gates.has(step.gate)) {
          const { promise, resolve } = Promise.withResolvers<void>()
          this.store[step.gate] = promise
          this.#gates.set(step.gate, resolve)
        }
        return
      case 'release':
        return this.#release(step.gate)
      case 'break':
        return this.#break(step.what)
      case 'mend':
        return this.#mend(step.what)
    }
  }

  /** Mends everything and connects every client. Then no edit may be missing anywhere. */
  async settle(): Promise<void> {
    for (const gate of [...this.#gates.keys()]) this.#release(gate as 'openGate')
    for (const what of ['open', 'read', 'snapshot', 'storage'] as const) this.#mend(what)
    const isDone = (): boolean =>
      this.docs.every((_, who) => {
        const client = this.clients.get(who)
        return client?.isOpen && client.isSynced && client.durable === client.sent && client.sent > 0
      })
    for (let turn = 0; turn < 2_000; turn++) {
      for (let who = 0; who < CLIENTS; who++) if (!this.clients.get(who)?.isOpen) this.#join(who)
      await this.#turn()
      if (isDone()) break
    }
    await Promise.all(this.#inside)
    expect(isDone()).toBe(true)
    for (let turn = 0; turn < 5; turn++) await this.#turn()
    const all = new Set(this.docs.flatMap((doc) => [...doc.getMap('m').keys()]))
    for (const doc of this.docs) expect(new Set(doc.getMap('m').keys())).toEqual(all)
    for (const key of this.#acknowledged) expect(all).toContain(key)
    await this.rooms.close()
    expect(this.store.openLogs).toBe(0)
    const stored = new Y.Doc()
    for (const { update } of await this.store.records('w')) Y.applyUpdate(stored, update)
    expect(new Set(stored.getMap('m').keys())).toEqual(all)
    expect(stored.store.pendingStructs).toBeNull()
    const unexpected = this.failures.filter((line) => /locked|closed|TypeError/.test(line))
    expect(unexpected).toEqual([])
  }

  #join(who: number): void {
    const safe = [...this.#acknowledged]
    const client = new MemoryClient(this.rooms, W, this.docs[who] as Y.Doc, `client ${who} ${this.#count++}`)
    this.clients.set(who, client)
    this.#written.set(client, [])
    this.#checks.set(client, safe)
  }

  /** Keys that must be in a client's document when the client counts as synced. */
  readonly #checks = new Map<MemoryClient, string[]>()

  async #turn(): Promise<void> {
    await setImmediate()
    for (const client of this.clients.values()) {
      for (const { frame, key } of this.#written.get(client) ?? [])
        if (frame <= client.durable) this.#acknowledged.add(key)
      if (!client.isSynced) continue
      const map = client.doc.getMap('m')
      for (const key of this.#checks.get(client) ?? []) expect(map.has(key), `${key} of a synced client`).toBe(true)
      this.#checks.delete(client)
    }
  }

  #write(who: number): void {
    const client = this.clients.get(who)
    const key = `k${this.#count++}`
    const before = client?.sent ?? 0
    this.docs[who]?.getMap('m').set(key, true)
    if (client?.isOpen && client.sent > before) this.#written.get(client)?.push({ frame: client.sent, key })
  }

  #edit(): void {
    const key = `k${this.#count++}`
    const edit = { writer, via: 'test', run: (doc: Y.Doc) => void doc.getMap('m').set(key, true) }
    this.#inside.push(
      this.workspaces.write(W, edit).then(
        () => void this.#acknowledged.add(key),
        () => undefined,
      ),
    )
  }

  #look(keys: Promise<string[]>): void {
    const safe = [...this.#acknowledged]
    const looked = keys.then(
      (found) => {
        for (const key of safe) if (!found.includes(key)) this.failures.push(`TypeError: ${key} is not shown`)
      },
      () => undefined,
    )
    this.#inside.push(looked)
  }

  #release(gate: 'openGate' | 'readGate' | 'snapshotGate' | 'durableGate'): void {
    this.#gates.get(gate)?.()
    this.#gates.delete(gate)
    this.store[gate] = undefined
  }

  #break(what: 'open' | 'read' | 'snapshot' | 'storage'): void {
    const error = new LogError('storage_failed', 'the test broke it')
    if (what === 'storage') this.#setState({ state: 'failed', error })
    else this.store[`${what}Error`] = error
  }

  #mend(what: 'open' | 'read' | 'snapshot' | 'storage'): void {
    if (what === 'storage') this.#setState({ state: 'open' })
    else this.store[`${what}Error`] = undefined
  }

  #setState(state: GatedStore['state']): void {
    if (this.store.state.state === state.state) return
    this.store.state = state
    this.rooms.storageChanged()
  }
}

async function play(steps: readonly Step[], isLarge: boolean): Promise<void> {
  const scene = new Scene()
  // The server answers joins of a large document from a shared encoding.
  if (isLarge) scene.docs[0]?.getMap('m').set('large', 'x'.repeat(20_000))
  for (const step of steps) await scene.play(step)
  await scene.settle()
}

it('[S1, S2, S3, S6, S15, S28, S29, S31, S42] nothing acknowledged is lost and nobody is shown less than it, however rooms come and go', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), fc.boolean(), play), {
    numRuns: RUNS,
  })
})
