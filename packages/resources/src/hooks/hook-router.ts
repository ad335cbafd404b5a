import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject } from '@joinery/blocks'
import type { AdapterKind, HookEvent, HookHint, HookTarget, ResourceRef } from '../adapters/adapter.ts'
import { observeSagaOf } from '../adapters/observe-saga.ts'
import type { HookEndpoints } from './hook-config.ts'
import { HOOK_ENTRY, type HookDesk } from './hook-desk.ts'
import type { HookEntry, KnownPlace, Settled } from './hook-fold.ts'
import { HookLine } from './hook-line.ts'
import { jsonObjectOf } from './hook-request.ts'
import { HOOK_KEY, type HookTasks, hasFailed } from './hook-tasks.ts'

/** Time until an event whose resource is not known yet is looked at again, and after which it is parked, ms. */
const AGAIN_MS = 30_000
const PARK_AFTER_MS = 3_600_000
/** Time until an event is looked at again whose resource is busy with an event that another server took, ms. */
const BUSY_AGAIN_MS = 500
/** Events whose tasks are started at once: each start waits for the disk. */
const STARTS_MAX = 16
/** Time between two looks at the tasks of a workspace while they change, ms. */
const FOLLOW_MS = 100

export interface HookRouterOptions {
  readonly endpoints: HookEndpoints
  /** The adapter of each machine: its kind, and its configuration. */
  readonly adapters: ReadonlyMap<string, { readonly kind: AdapterKind; readonly config: never }>
  readonly tasks: HookTasks
  /** Whether a workspace of this name is there; a deleted one is not. */
  readonly hasWorkspace: (name: string) => Promise<boolean>
  /** Asks the other servers where the resource of a service's id is. Resolves with undefined if none of them knows it. */
  readonly placeElsewhere?: (machine: string, externalId: string) => Promise<KnownPlace | undefined>
  readonly logger: { warn(about: object, message: string): void }
  readonly nowMs: () => number
}

/**
 * Finds the resources of the events that have come, has tasks look at them, and follows the tasks to their ends. Those of one resource are
 * handled one after the other, the others side by side.
 */
export class HookRouter {
  readonly #options: HookRouterOptions
  readonly #desk: HookDesk
  readonly #closing = new AbortController()
  /** The events that are being handled, by the keys of their resources. One that a purge has dropped counts no more. */
  readonly #busy = new Map<string, HookEntry>()
  /** Events that are put off, since nobody knows the resources of their ids yet, with the times until which they are. */
  readonly #putOff = new Map<string, UnknownId & { readonly untilMs: number }>()
  readonly #followed = new Map<string, Promise<void>>()
  readonly #line = new HookLine()
  /** The events to look at next, by their keys: with many that wait, a look at all of them for each one would be the most work. */
  #next = new Set<string>()
  /** Whether to look at all that wait. */
  #isAllNext = false
  #timer: { readonly dueMs: number; readonly clear: () => void } | undefined
  #running: Promise<void> | undefined

  constructor(options: HookRouterOptions, desk: HookDesk) {
    this.#options = options
    this.#desk = desk
    for (const entry of desk.journal.fold.openIn('routed')) this.#watch(entry)
    this.go()
  }

  /** Looks at all events that wait. */
  go(): void {
    this.#isAllNext = true
    this.#start()
  }

  /** Looks at one event, which has just come. */
  goWith(endpoint: string, id: string): void {
    this.#next.add(keyOf({ endpoint, id }))
    this.#start()
  }

  #start(): void {
    if (this.#closing.signal.aborted) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Looks at once at an event that was put off, since the resource of its id is known now. */
  goFor(machine: string, externalId: string): void {
    for (const [key, id] of this.#putOff) {
      if (id.machine !== machine || id.externalId !== externalId) continue
      this.#putOff.delete(key)
      this.#next.add(key)
    }
    if (this.#next.size > 0) this.#start()
  }

  /** Whether an event waits until somebody tells the resource of this id. */
  awaits(machine: string, externalId: string): boolean {
    return this.#putOff.values().some((id) => id.machine === machine && id.externalId === externalId)
  }

  /** The workspace of an event; undefined while nobody knows it. */
  workspaceOf(entry: HookEntry): string | undefined {
    return this.#resourceOf(entry)?.workspace
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#timer?.clear()
    await this.#running
    await Promise.all(this.#followed.values())
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let againMs = AGAIN_MS
    while ((this.#isAllNext || this.#next.size > 0) && !signal.aborted) {
      const waiting = this.#takeNext()
      const next = async (): Promise<void> => {
        for (const entry of waiting) {
          if (signal.aborted) return
          await this.#route(entry).catch((error: unknown) => {
            if (codeOf(error) === 'busy') {
              againMs = BUSY_AGAIN_MS
              return
            }
            this.#options.logger.warn({ endpoint: entry.endpoint, id: entry.id, error }, 'an event is handled later')
          })
        }
      }
      await Promise.all(Array.from({ length: STARTS_MAX }, next))
    }
    if (signal.aborted || this.#desk.journal.fold.countOf('received') === 0) return
    this.#goLater(againMs)
  }

  /** The events to look at now. */
  #takeNext(): IterableIterator<HookEntry> {
    const { fold } = this.#desk.journal
    const keys = this.#next
    this.#next = new Set()
    if (this.#isAllNext) {
      this.#isAllNext = false
      this.#timer?.clear()
      this.#timer = undefined
      return fold.openIn('received').values()
    }
    const isWaiting = (entry: HookEntry | undefined): boolean => entry?.state === 'received'
    return [...keys]
      .flatMap((key) => fold.entries.get(key) ?? [])
      .filter(isWaiting)
      .values()
  }

  /** Looks at all that wait after a time, and not later than asked before. */
  #goLater(ms: number): void {
    const dueMs = performance.now() + ms
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return
    this.#timer?.clear()
    const timer = setTimeout(() => this.go(), ms).unref()
    this.#timer = { dueMs, clear: () => clearTimeout(timer) }
  }

  async #route(entry: HookEntry): Promise<void> {
    const { endpoint, id, conflictsWith, replays = 0 } = entry
    const key = keyOf(entry)
    const before = this.#line.resourceOf(key)
    if (before !== undefined && this.#isBusy(before)) return
    this.#line.leave(key)
    if ((this.#putOff.get(key)?.untilMs ?? 0) > this.#options.nowMs()) return
    this.#putOff.delete(key)
    if (conflictsWith !== undefined) {
      return this.#settle(entry, { state: 'parked', why: `another event came under the id ${conflictsWith}` })
    }
    const target = await this.#findTarget(entry)
    if (target === 'ignored') return this.#settle(entry, { state: 'ignored' })
    if (!('resource' in target)) {
      // It may have overtaken the answer that tells whose it is.
      if (this.#options.nowMs() - entry.at < PARK_AFTER_MS) return
      this.#putOff.delete(key)
      return this.#settle(entry, { state: 'parked', why: 'nobody knows the resource' })
    }
    const { workspace, block, machine, name } = target.resource
    const resource = resourceKeyOf(target.resource)
    // The one before it may still write what it has seen.
    if (this.#isBusy(resource)) return this.#line.add(key, resource)
    this.#busy.set(resource, entry)
    try {
      if (!(await this.#options.hasWorkspace(workspace))) {
        await this.#settle(entry, { state: 'parked', workspace, why: 'there is no such workspace' })
        return this.#free(resource)
      }
      const { run, externalId, observed } = target
      const input = JSON.parse(JSON.stringify({ block, name, run, externalId, observed })) as JsonObject
      const { task } = await this.#options.tasks.start(workspace, {
        // A replay is another task: the first one has failed.
        ...{
          saga: observeSagaOf(machine),
          input,
          key: `${HOOK_KEY}${endpoint}/${id}${replays === 0 ? '' : `#${replays}`}`,
        },
        ...{ by: { actor: HOOK_ENTRY.actor, source: HOOK_ENTRY.source } },
      })
      await this.#settle(entry, { state: 'routed', workspace, task: task.id })
      this.#watch({ ...entry, workspace, task: task.id })
    } catch (error) {
      // Those behind it would fail, too: the next look at all tries again.
      this.#busy.delete(resource)
      if (codeOf(error) !== 'key_reused') throw error
      await this.#settle(entry, { state: 'parked', workspace, why: 'another server took another event of the same id' })
      this.#free(resource)
    }
  }

  /** Follows the task of an event to its end. */
  #watch(entry: HookEntry): void {
    const { workspace } = entry
    if (workspace === undefined) return
    const resource = this.#resourceOf(entry)
    if (resource !== undefined) this.#busy.set(resourceKeyOf(resource), entry)
    if (this.#followed.has(workspace)) return
    const following = this.#follow(workspace).finally(() => this.#followed.delete(workspace))
    this.#followed.set(workspace, following)
  }

  /** Looks at the tasks of a workspace's events whenever one of its tasks has changed, until none is open. */
  async #follow(workspace: string): Promise<void> {
    const { signal } = this.#closing
    let after = 0
    while (!signal.aborted) {
      const open = this.#desk.journal.fold.openIn('routed').filter((entry) => entry.workspace === workspace)
      if (open.length === 0) return
      try {
        await Promise.all(open.map((entry) => this.#look(workspace, entry)))
        after = await this.#options.tasks.untilChanged(workspace, { after, signal })
        await pause(FOLLOW_MS, undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        // The workspace may be deleted for a time, or another server's.
        this.#options.logger.warn({ workspace, error }, 'the tasks of events are followed later')
        await pause(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }

  async #look(workspace: string, entry: HookEntry): Promise<void> {
    if (entry.task === undefined) return
    let view: Awaited<ReturnType<HookTasks['find']>>
    try {
      view = await this.#options.tasks.find(workspace, entry.task)
    } catch (error) {
      // It ended long ago, or its workspace was purged.
      if (codeOf(error) !== 'unknown_task') throw error
      view = { state: 'done' }
    }
    const place = { workspace, task: entry.task }
    if (view.state === 'done') await this.#settle(entry, { state: 'handled', ...place })
    else if (hasFailed(view.state)) {
      const why = `its task is ${view.state}${view.error === undefined ? '' : `: ${view.error.message}`}`
      await this.#settle(entry, { state: 'parked', ...place, why })
    } else return
    const key = keyOf(entry)
    for (const [resource, busyWith] of this.#busy) if (keyOf(busyWith) === key) this.#free(resource)
  }

  #isBusy(resource: string): boolean {
    const entry = this.#busy.get(resource)
    const state = entry && this.#desk.find(entry.endpoint, entry.id)?.state
    return state === 'received' || state === 'routed'
  }

  #free(resource: string): void {
    this.#busy.delete(resource)
    const next = this.#line.next(resource)
    if (next === undefined) return
    this.#next.add(next)
    this.#start()
  }

  #settle({ endpoint, id }: HookEntry, rest: Omit<Settled, 'type' | 'endpoint' | 'id'>): Promise<void> {
    return this.#desk.note({ type: 'settled', endpoint, id, ...rest })
  }

  #resourceOf(entry: HookEntry): ResourceRef | undefined {
    const target = this.#targetOf(entry)
    return target !== 'ignored' && 'resource' in target ? target.resource : undefined
  }

  /**
   * As {@link #targetOf}, also if only another server knows the resource. An event of which nobody knows it is put off from the moment on
   * in which it is asked for: the answer may be on its way while somebody tells it.
   */
  async #findTarget(entry: HookEntry): Promise<HookTarget | UnknownId | 'ignored'> {
    const target = this.#targetOf(entry)
    if (target === 'ignored' || 'resource' in target) return target
    const key = keyOf(entry)
    this.#putOff.set(key, { ...target, untilMs: this.#options.nowMs() + AGAIN_MS })
    const { machine, externalId } = target
    const place = await this.#options.placeElsewhere?.(machine, externalId)
    if (place === undefined) return target
    this.#putOff.delete(key)
    await this.#desk.note({ type: 'known', machine, externalId, ...place })
    return this.#targetOf(entry)
  }

  /** The resource of an event, or its id at the service while nobody knows whose it is, as the adapter of its endpoint reads them. */
  #targetOf({ endpoint, id, kind: type, body = '' }: HookEntry): HookTarget | UnknownId | 'ignored' {
    const machine = this.#options.endpoints[endpoint]?.machine
    const adapter = machine === undefined ? undefined : this.#options.adapters.get(machine)
    if (machine === undefined || adapter?.kind.route === undefined) return 'ignored'
    const event: HookEvent = { endpoint, id, type, body: jsonObjectOf(Buffer.from(body, 'base64')) ?? {} }
    const told = adapter.kind.route(event, adapter.config, machine)
    if (told === 'ignored') return told
    // An event speaks of resources of its endpoint's machine alone.
    if ('resource' in told) return told.resource.machine === machine ? told : 'ignored'
    const { externalId } = told
    const place = this.#desk.journal.fold.placeOf(machine, externalId)
    return place === undefined ? { machine, externalId } : { resource: { ...place, machine }, externalId }
  }
}

/** An id of a service of which nobody knows whose it is. */
interface UnknownId extends HookHint {
  readonly machine: string
}

function resourceKeyOf({ workspace, block, machine, name }: ResourceRef): string {
  return JSON.stringify([workspace, block, machine, name])
}

function keyOf({ endpoint, id }: Pick<HookEntry, 'endpoint' | 'id'>): string {
  return `${endpoint}/${id}`
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code
}
