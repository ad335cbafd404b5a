import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '@joinery/blocks'
import type { WorkspaceLog } from '@joinery/log'
import type { ResourceRef } from '../adapters/adapter.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { HookEndpoints } from './hook-config.ts'
import { HOOK_ENTRY, HOOKS_LOG, HookDesk, type HookDeskOptions } from './hook-desk.ts'
import type { HookEntry, InboxEvent, KnownPlace } from './hook-fold.ts'
import { answer, HOOK_LIMITS, HookRate, jsonObjectOf, readBody } from './hook-request.ts'
import { HookRouter, type HookRouterOptions } from './hook-router.ts'
import { type HookScheme, verify } from './signatures.ts'

const PATH = /^\/v1\/hooks\/([^/?]+)(?:\?|$)/
/** Characters of an id of an event, and of its type. */
const ID_CHARS_MAX = 256

export interface InboxOptions extends Omit<HookRouterOptions, 'nowMs'> {
  readonly secrets: Secrets
  readonly openLog: (name: string, release: () => Promise<void>) => Promise<WorkspaceLog>
  readonly atomically: HookDeskOptions['atomically']
  readonly nowMs?: () => number
  /** Told of each id of a service whose resource this server has learned, for other servers. */
  readonly onLearned?: (resource: ResourceRef, externalId: string) => void
  /** Has an endpoint pay for the checks of its requests. By default nobody pays. */
  readonly costs?: HookCosts
}

/** The budget of each endpoint: time of the event loop. */
interface HookCosts {
  /** Books work that began at `sinceMs` and ends now, by `performance.now()`. */
  book(endpoint: string, sinceMs: number): void
  /** Time until the endpoint is within its budget again, ms; 0 when it is. */
  restOf(endpoint: string): number
}

/** Numbers since the start, by endpoint and outcome. */
export type HookCounts = ReadonlyMap<string, ReadonlyMap<string, number>>

/**
 * The events that services send. One is answered with 2xx once it is on the disk, and is handled once, as a task. Orders and repeats do not
 * matter: the task asks the service how the resource is now.
 */
export class Inbox {
  readonly #options: InboxOptions
  readonly #desk: HookDesk
  readonly #rate = new HookRate()
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #nowMs: () => number
  readonly #router: HookRouter

  private constructor(options: InboxOptions, desk: HookDesk) {
    this.#options = options
    this.#desk = desk
    this.#nowMs = options.nowMs ?? Date.now
    this.#router = new HookRouter({ ...options, nowMs: this.#nowMs }, desk)
  }

  /** Opens the inbox's journal, and goes on with the events in it. Rejects with the log's error. */
  static async open(options: InboxOptions): Promise<Inbox> {
    let inbox: Inbox | undefined
    const log = await options.openLog(HOOKS_LOG, async () => inbox?.close())
    const desk = await HookDesk.open({
      log,
      atomically: options.atomically,
      onUntidy: (error) => options.logger.warn({ error }, 'the webhook inbox took no snapshot'),
    })
    inbox = new Inbox(options, desk)
    return inbox
  }

  get counts(): HookCounts {
    return this.#counts
  }

  /** The events that are known, the newest last. */
  list(state?: HookEntry['state']): HookEntry[] {
    return this.#desk.list(state)
  }

  find(endpoint: string, id: string): HookEntry | undefined {
    return this.#desk.find(endpoint, id)
  }

  /** The number of events that are not handled yet, or that somebody has to look at. */
  countOf(state: 'received' | 'parked'): number {
    return this.#desk.journal.fold.countOf(state)
  }

  /**
   * Notes which resource has an id at the service, in the turn of the record that tells it: both are there after a crash, or none. Events
   * that name the id alone find it.
   */
  learn(resource: ResourceRef, externalId: string): void {
    if (this.#note(resource, externalId)) this.#options.onLearned?.(resource, externalId)
  }

  /** Takes what another server has learned, if an event waits for it, or if something else is known here. */
  hear(resource: ResourceRef, externalId: string): void {
    const { machine } = resource
    if (this.#router.awaits(machine, externalId) || this.placeOf(machine, externalId)) this.#note(resource, externalId)
  }

  /** Where the resource of a service's id is, as this server knows. */
  placeOf(machine: string, externalId: string): KnownPlace | undefined {
    return this.#desk.journal.fold.placeOf(machine, externalId)
  }

  /** False if it is known already, or too long. */
  #note({ workspace, block, machine, name }: ResourceRef, externalId: string): boolean {
    if (externalId === '' || externalId.length > ID_CHARS_MAX) return false
    const known = this.placeOf(machine, externalId)
    if (known?.workspace === workspace && known.block === block && known.name === name) return false
    const event = { type: 'known', machine, externalId, workspace, block, name } as const
    this.#desk.journal.append([{ event, ...HOOK_ENTRY }])
    this.#router.goFor(machine, externalId)
    return true
  }

  /** Forgets the events of a workspace that is purged, but for their ids. Resolves when nothing of it is on the disk. */
  async forget(workspace: string): Promise<void> {
    for (const entry of this.#desk.journal.fold.openIn('received')) {
      if (this.#router.workspaceOf(entry) !== workspace) continue
      const { endpoint, id } = entry
      await this.#desk.keep({ type: 'settled', endpoint, id, state: 'dropped', workspace })
    }
    await this.#desk.forget(workspace)
  }

  /** Handles a parked event again. False if there is none. */
  async replay(endpoint: string, id: string): Promise<boolean> {
    const isThere = await this.#desk.replay(endpoint, id)
    if (isThere) this.#router.go()
    return isThere
  }

  /** Gives a parked event up. False if there is none. */
  drop(endpoint: string, id: string): Promise<boolean> {
    return this.#desk.drop(endpoint, id)
  }

  /** Answers `/v1/hooks/…`. Returns false, and does nothing, for any other path. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [, name] = PATH.exec(request.url ?? '') ?? []
    if (name === undefined) return false
    const endpoint = Object.hasOwn(this.#options.endpoints, name) ? this.#options.endpoints[name] : undefined
    if (endpoint === undefined) answer(response, 404, 'unknown_endpoint')
    else {
      this.#take(name, endpoint, request, response).catch((error: unknown) => {
        this.#count(name, 'unavailable')
        this.#options.logger.warn({ endpoint: name, error }, 'an event could not be kept')
        // Nothing was promised: the sender tries again.
        answer(response, 503, 'unavailable', { 'retry-after': '5' })
      })
    }
    return true
  }

  async close(): Promise<void> {
    await this.#router.close()
    await this.#desk.close()
  }

  async #take(
    name: string,
    { scheme, secrets }: HookEndpoints[string],
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const nowMs = this.#nowMs()
    const refuse = (status: number, code: string, headers = {}): void => {
      this.#count(name, code)
      answer(response, status, code, headers)
    }
    if (request.method !== 'POST') return refuse(405, 'method_not_allowed', { allow: 'POST' })
    if (!this.#rate.take(name)) return refuse(429, 'too_many_requests', { 'retry-after': '1' })
    const { costs } = this.#options
    const restMs = costs?.restOf(name) ?? 0
    if (restMs > 0) return refuse(429, 'too_many_requests', { 'retry-after': String(Math.ceil(restMs / 1_000)) })
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') return refuse(415, 'compressed')
    const body = await readBody(request)
    if (body === undefined) return refuse(413, 'too_large')
    const sinceMs = performance.now()
    const values = secrets.map((secret) => this.#options.secrets.read(secret))
    const verdict = verify(scheme, { headers: request.headers, body }, values, nowMs)
    costs?.book(name, sinceMs)
    // One wording for all: a forger learns nothing.
    if (verdict.verdict !== 'good') return refuse(verdict.verdict === 'forged' ? 401 : 400, 'bad_signature')
    const read = jsonObjectOf(body)
    if (read === undefined) return refuse(400, 'malformed')
    const digest = createHash('sha256').update(body).digest('hex')
    const id = verdict.id ?? idIn(read) ?? digest
    if (id.length > ID_CHARS_MAX) return refuse(400, 'malformed')
    const outcome = this.#keep({ endpoint: name, id, kind: kindOf(scheme, request, read), body, digest })
    await Promise.race([this.#desk.journal.durable, lateAfter(HOOK_LIMITS.durableMs)])
    this.#count(name, outcome)
    if (outcome === 'duplicate') return answer(response, 200, 'duplicate')
    answer(response, outcome === 'conflict' ? 200 : 202, outcome)
  }

  /** Appends an event unless it is known. In one turn, so that of a thousand at once one is kept. */
  #keep(given: {
    endpoint: string
    id: string
    kind: string
    body: Buffer
    digest: string
  }): 'received' | 'duplicate' | 'conflict' {
    const { endpoint, id, digest, kind } = given
    const fold = this.#desk.journal.fold
    const known = fold.get(endpoint, id)
    // The same id with other bytes is kept beside the first: somebody should look at it.
    const other = known === undefined || known.digest === digest ? undefined : `${id}#${digest.slice(0, 16)}`
    if (
      (known !== undefined && other === undefined) ||
      (other !== undefined && fold.get(endpoint, other) !== undefined)
    ) {
      return 'duplicate'
    }
    const event: InboxEvent = {
      type: 'received',
      endpoint,
      id: other ?? id,
      kind,
      body: given.body.toString('base64'),
      digest,
    }
    const kept = other === undefined ? event : { ...event, conflictsWith: id }
    // Also if the sender was told to come again, since the disk was slow.
    void this.#desk.keep(kept).then(
      () => this.#router.goWith(endpoint, kept.id),
      () => undefined,
    )
    return other === undefined ? 'received' : 'conflict'
  }

  #count(endpoint: string, outcome: string): void {
    const counts = this.#counts.get(endpoint) ?? new Map<string, number>()
    this.#counts.set(endpoint, counts.set(outcome, (counts.get(outcome) ?? 0) + 1))
  }
}

function idIn({ id }: JsonObject): string | undefined {
  return typeof id === 'string' && id !== '' ? id : undefined
}

function kindOf(scheme: HookScheme, { headers }: IncomingMessage, { type }: JsonObject): string {
  const named = scheme === 'github' ? headers['x-github-event'] : type
  return typeof named === 'string' ? named.slice(0, ID_CHARS_MAX) : ''
}

function lateAfter(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the event was not on the disk within ${ms} ms`)), ms).unref()
  })
}
