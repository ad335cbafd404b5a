import { once } from 'node:events'
import type { JsonObject } from '@joinery/blocks'
import { type ClusterNode, type Engine, EngineError, fromBytes, type Owner, toBytes } from '@joinery/cluster'
import type { HookTasks, InboxOptions } from '@joinery/resources'
import { z } from 'zod'

/** Time that another node has to answer, ms: it may write to its disk and wait for a quorum. */
const ANSWER_MS = 5_000
/** Time for which another node waits for a change before it answers that there is none, ms. */
const CHANGE_MS = 5_000
/** Codes of errors which say that another node owns the workspace. */
const ELSEWHERE: ReadonlySet<unknown> = new Set(['not_owner', 'moved', 'fenced'])

/** The work that the events of services need at the node that owns their workspace. */
export type HookWork = Pick<InboxOptions, 'tasks' | 'hasWorkspace'>

const json = z.record(z.string(), z.json()) as z.ZodType<JsonObject>
const by = z.object({ actor: z.string(), source: z.string() })
const request = z.object({ saga: z.string(), input: json, key: z.string(), by, sync: z.literal(true) })
const workspace = z.string()
const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('has'), workspace }),
  z.object({ ask: z.literal('start'), workspace, request }),
  z.object({ ask: z.literal('find'), workspace, task: z.string() }),
  z.object({ ask: z.literal('changed'), workspace, after: z.number() }),
])
type Question = z.infer<typeof question>

const failure = z.object({ code: z.string().optional(), message: z.string() })
const answer = z.union([z.object({ failure }), z.object({ value: z.unknown() })])
const started = z.object({ task: z.object({ id: z.string() }) })
const found = z.object({ state: z.string(), error: z.object({ message: z.string() }).optional() })

const topicOf = (node: string): string => `jy.node.${node}.hooks`

/** Reads what another node wrote. Throws for what this version does not understand. */
function read<T>(shape: z.ZodType<T>, bytes: Uint8Array): T {
  const value = fromBytes(shape, bytes)
  if (value === undefined) throw new Error('the nodes are of two versions, and do not understand each other')
  return value
}

/** An error that another node has told, with its code there. */
class ToldError extends Error {
  readonly code: string | undefined
  constructor(node: string, { code, message }: z.infer<typeof failure>) {
    super(`node ${node}: ${message}`)
    this.code = code
  }
}

export interface OwnerHooksOptions {
  readonly engine: Pick<Engine, 'bus'>
  readonly node: Pick<ClusterNode, 'nodes' | 'ownership'>
  /** The work at this node. */
  readonly own: HookWork
}

/**
 * Has the work of events done by the node that owns their workspace, whichever node took them. All of it may be asked for again: a task is
 * started once for its key.
 */
export class OwnerHooks implements HookWork {
  readonly #options: OwnerHooksOptions
  readonly #unanswer: () => void

  constructor(options: OwnerHooksOptions) {
    this.#options = options
    const { engine, node, own } = options
    this.#unanswer = engine.bus.respond(topicOf(node.nodes.self.node), async (bytes) => {
      try {
        return toBytes({ value: await answerOf(own, read(question, bytes)) })
      } catch (error) {
        const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
        return toBytes({ failure: { ...(typeof code === 'string' && { code }), message: String(message) } })
      }
    })
  }

  readonly hasWorkspace = (workspace: string): Promise<boolean> =>
    this.#ask({ ask: 'has', workspace }, z.boolean(), (own) => own.hasWorkspace(workspace))

  readonly tasks: HookTasks = {
    start: (workspace, request) =>
      // On the disk of another node, the task could be lost while this one has noted that it was started.
      this.#ask({ ask: 'start', workspace, request: { ...request, sync: true } }, started, (own) =>
        own.tasks.start(workspace, request),
      ),
    find: (workspace, task) =>
      this.#ask({ ask: 'find', workspace, task }, found, (own) => own.tasks.find(workspace, task)),
    untilChanged: async (workspace, { after, signal }) => {
      const waiting = this.#ask({ ask: 'changed', workspace, after }, z.number(), (own) =>
        own.tasks.untilChanged(workspace, { after, signal }),
      )
      if (signal.aborted) return after
      const over = new AbortController()
      const aborted = once(signal, 'abort', { signal: over.signal }).then(
        () => after,
        () => after,
      )
      try {
        return await Promise.race([waiting, aborted])
      } finally {
        over.abort()
      }
    },
  }

  /** Answers the other nodes no more. */
  close(): void {
    this.#unanswer()
  }

  /**
   * Asks the node that this one has heard of. If it does not answer, or owns the workspace no more, the work is done here: that claims the
   * workspace, unless its owner lives.
   */
  async #ask<T>(asked: Question, shape: z.ZodType<T>, here: (own: HookWork) => Promise<T>): Promise<T> {
    const { own, node } = this.#options
    const { nodes, ownership } = node
    const heard = ownership.ownerOf(asked.workspace)
    const taker = heard ?? (nodes.self.isDraining ? this.#otherTaker() : undefined)
    if (taker !== undefined && taker.session !== nodes.self.session) {
      try {
        return await this.#askNode(taker, asked, shape)
      } catch (error) {
        if (!(error instanceof EngineError) && !isElsewhere(error)) throw error
      }
    }
    try {
      return await here(own)
    } catch (error) {
      if (!isElsewhere(error)) throw error
      const owner = await ownership.askForOwner(asked.workspace)
      if (owner === undefined || owner.session === nodes.self.session) throw error
      return this.#askNode(owner, asked, shape)
    }
  }

  async #askNode<T>({ node }: Pick<Owner, 'node'>, asked: Question, shape: z.ZodType<T>): Promise<T> {
    const waitMs = asked.ask === 'changed' ? CHANGE_MS + ANSWER_MS : ANSWER_MS
    const bytes = await this.#options.engine.bus.request(topicOf(node), toBytes(asked), waitMs)
    const told = read(answer, bytes)
    if ('failure' in told) throw new ToldError(node, told.failure)
    return shape.parse(told.value)
  }

  /** A node that gives its workspaces away takes none for an event. */
  #otherTaker(): Pick<Owner, 'node' | 'session'> | undefined {
    const { nodes } = this.#options.node
    return nodes.list().find(({ isDraining, session }) => !isDraining && session !== nodes.self.session)
  }
}

function answerOf({ tasks, hasWorkspace }: HookWork, asked: Question): Promise<unknown> {
  const { workspace } = asked
  switch (asked.ask) {
    case 'has':
      return hasWorkspace(workspace)
    case 'start':
      return tasks.start(workspace, asked.request)
    case 'find':
      return tasks.find(workspace, asked.task)
    case 'changed':
      return tasks.untilChanged(workspace, { after: asked.after, signal: AbortSignal.timeout(CHANGE_MS) })
  }
}

function isElsewhere(error: unknown): boolean {
  return ELSEWHERE.has((error as { readonly code?: unknown }).code)
}
