import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '@joinery/blocks'
import type { WorkspaceLog } from '@joinery/log'
import type { AdapterKind, HookEvent, HookTarget } from '../adapters/adapter.ts'
import { observeSagaOf } from '../adapters/adapter-sagas.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { HookEndpoints } from './hook-config.ts'
import { HOOK_ENTRY, HOOKS_LOG, HookDesk, type HookDeskOptions } from './hook-desk.ts'
import type { HookEntry, InboxEvent, Settled } from './hook-fold.ts'
import { answer, HOOK_LIMITS, HookRate, readBody } from './hook-request.ts'
import { type HookScheme, verify } from './signatures.ts'

const PATH = /^\/v1\/hooks\/([^/?]+)(?:\?|$)/
/** Characters of an id of an event, and of its type. */
const ID_CHARS_MAX = 256
/** Time until an event whose resource is not known yet is looked at again, and after which it is parked, ms. */
const AGAIN_MS = 30_000
const PARK_AFTER_MS = 3_600_000

/** Starts the tasks that look at the resources of events. */
export interface HookTasks {
  /** The same task for the same key. Rejects with an error whose `code` says why. */
  start(
    workspace: string,
    request: {
      readonly saga: string
      readonly input: JsonObject
      readonly key: string
      readonly by: { readonly actor: string; readonly source: string }
      readonly sync: true
    },
  ): Promise<{ readonly task: { readonly id: string } }>
}

export interface InboxOptions {
  readonly endpoints: HookEndpoints
  /** The adapter of each machine: its kind, and its configuration. */
  readonly adapters: ReadonlyMap<string, { readonly kind: AdapterKind; readonly config: never }>
  readonly secrets: Secrets
  readonly openLog: (name: string, release: () => Promise<void>) => Promise<WorkspaceLog>
  readonly atomically: HookDeskOptions['atomically']
  readonly tasks: HookTasks
  /** Whether a workspace of this name is there; a deleted one is not. */
  readonly hasWorkspace: (name: string) => Promise<boolean>
  readonly logger: { warn(about: object, message: string): void }
  readonly nowMs?: () => number
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
  #routing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  private constructor(options: InboxOptions, desk: HookDesk) {
    this.#options = options
    this.#desk = desk
    this.#nowMs = options.nowMs ?? Date.now
    this.#go()
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

  /** Handles a parked event again. False if there is none. */
  async replay(endpoint: string, id: string): Promise<boolean> {
    const isThere = await this.#desk.replay(endpoint, id)
    if (isThere) this.#go()
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
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#routing
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
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') return refuse(415, 'compressed')
    const body = await readBody(request)
    if (body === undefined) return refuse(413, 'too_large')
    const values = secrets.map((secret) => this.#options.secrets.read(secret))
    const verdict = verify(scheme, { headers: request.headers, body }, values, nowMs)
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
    this.#go()
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
    this.#desk.journal.append(
      [{ event: other === undefined ? event : { ...event, conflictsWith: id }, ...HOOK_ENTRY }],
      {
        sync: true,
      },
    )
    return other === undefined ? 'received' : 'conflict'
  }

  #go(): void {
    this.#routing = this.#routing.then(async () => {
      clearTimeout(this.#timer)
      for (const entry of this.list('received')) {
        if (this.#isClosed) return
        await this.#route(entry).catch((error: unknown) => {
          this.#options.logger.warn({ endpoint: entry.endpoint, id: entry.id, error }, 'an event is handled later')
        })
      }
      if (this.#isClosed || this.list('received').length === 0) return
      this.#timer = setTimeout(() => this.#go(), AGAIN_MS).unref()
    })
  }

  async #route(entry: HookEntry): Promise<void> {
    const { endpoint, id, conflictsWith } = entry
    const settle = (rest: Omit<Settled, 'type' | 'endpoint' | 'id'>): Promise<void> =>
      this.#desk.append({ type: 'settled', endpoint, id, ...rest })
    if (conflictsWith !== undefined) {
      return settle({ state: 'parked', why: `another event came under the id ${conflictsWith}` })
    }
    const target = this.#targetOf(entry)
    if (target === 'ignored') return settle({ state: 'ignored' })
    if (target === undefined) {
      // It may have overtaken the answer that tells whose it is.
      if (this.#nowMs() - entry.at < PARK_AFTER_MS) return
      return settle({ state: 'parked', why: 'nobody knows the resource' })
    }
    const { workspace, block, machine, name } = target.resource
    if (!(await this.#options.hasWorkspace(workspace))) {
      return settle({ state: 'parked', workspace, why: 'there is no such workspace' })
    }
    const { run, externalId, observed } = target
    const input = JSON.parse(JSON.stringify({ block, name, run, externalId, observed })) as JsonObject
    const { task } = await this.#options.tasks.start(workspace, {
      ...{ saga: observeSagaOf(machine), input, key: `hook:${endpoint}/${id}` },
      ...{ by: { actor: HOOK_ENTRY.actor, source: HOOK_ENTRY.source }, sync: true },
    })
    await settle({ state: 'routed', workspace, task: task.id })
  }

  #targetOf({ endpoint, id, kind: type, body = '' }: HookEntry): HookTarget | 'ignored' | undefined {
    const machine = this.#options.endpoints[endpoint]?.machine
    const adapter = machine === undefined ? undefined : this.#options.adapters.get(machine)
    if (machine === undefined || adapter?.kind.route === undefined) return 'ignored'
    const read = jsonObjectOf(Buffer.from(body, 'base64')) ?? {}
    const event: HookEvent = { endpoint, id, type, body: read }
    const target = adapter.kind.route(event, adapter.config, machine)
    // An event speaks of resources of its endpoint's machine alone.
    return typeof target === 'object' && target.resource.machine !== machine ? 'ignored' : target
  }

  #count(endpoint: string, outcome: string): void {
    const counts = this.#counts.get(endpoint) ?? new Map<string, number>()
    this.#counts.set(endpoint, counts.set(outcome, (counts.get(outcome) ?? 0) + 1))
  }
}

function jsonObjectOf(body: Buffer): JsonObject | undefined {
  try {
    const read: unknown = JSON.parse(body.toString('utf8'))
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as JsonObject) : undefined
  } catch {
    return undefined
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
