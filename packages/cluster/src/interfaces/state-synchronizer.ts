import { createHash } from 'node:crypto'
import { type AdoptingLog, encodePortableRecord, type Lsn } from '@joinery/log'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { catchUp } from '../history/catch-up.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { START } from '../history/position.ts'
import type { ClusterEvent, Events } from '../nodes/events.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { engineNameOf, nameOfEngineName } from '../nodes/names.ts'
import type { Nodes } from '../nodes/nodes.ts'
import { firstOther } from '../store/first-other.ts'
import { localCopyOf } from '../store/local-copy.ts'

/** This node's copies of the logs. `ReplicatedStore` is one. */
export interface Copies {
  /** Does `work` on a copy. Resolves with undefined, and does nothing, while this node owns the log. */
  withCopy<T>(name: string, work: (log: AdoptingLog) => Promise<T>): Promise<T | undefined>
}

/**
 * A node's copy of one workspace, beside the history on the engine.
 * - `equal`, or `behind` by so many records.
 * - `owner`: the node writes the history now, and its log is compared with it at each takeover.
 * - `diverged`: its record `atLsn` is another one. That node's disk is wrong, or ours.
 * - `offline`: the node does not answer.
 */
export type CopyState =
  | { readonly node: string; readonly state: 'equal' | 'owner' | 'offline' }
  | { readonly node: string; readonly state: 'behind'; readonly records: number }
  | { readonly node: string; readonly state: 'diverged'; readonly atLsn: number }

const question = z.object({ workspace: z.string(), upTo: z.number() })
const answer = z.object({ isOwner: z.boolean(), lsn: z.number(), digest: z.string() })
type Answer = z.infer<typeof answer>

const PREFIX = 'state.'
const ANSWER_MS = 10_000
const READ_LIMIT = 256

export interface StateSynchronizerOptions {
  readonly engine: Engine
  readonly nodes: Nodes
  readonly events: Events
  readonly copies: Copies
}

/** Keeps this node's copies up to the histories, tells of changes, and compares the copies of all nodes. */
export class StateSynchronizer {
  readonly #options: StateSynchronizerOptions
  readonly #stop: () => void

  /** Answers other nodes from now on. */
  constructor(options: StateSynchronizerOptions) {
    this.#options = options
    const { engine, nodes } = options
    this.#stop = engine.bus.respond(topicOf(nodes.self.node), async (bytes) => {
      const asked = fromBytes(question, bytes)
      if (asked === undefined) throw new EngineError('invalid', 'a question about a copy can’t be read')
      return toBytes(await this.#describe(asked.workspace, asked.upTo))
    })
  }

  /**
   * Brings this node's copy of a workspace up to the end of its history. Resolves with the last LSN, or with `owner` if this
   * node writes it. Rejects with `corrupted`, `unknown_format`, and the errors of the engine and the store.
   */
  async sync(workspace: string): Promise<number | 'owner'> {
    const subject = engineNameOf(workspace)
    const { engine, copies } = this.#options
    const lsn = await copies.withCopy(workspace, async (log) => {
      const local = await localCopyOf(log)
      await catchUp({ log: engine.log, workspace, subject, local })
      return local.mark.lsn
    })
    return lsn ?? 'owner'
  }

  /** Brings all copies of this node up. Resolves with the errors, by workspace. */
  async forceSync(): Promise<ReadonlyMap<string, unknown>> {
    const failed = new Map<string, unknown>()
    for (const workspace of (await this.#options.engine.log.subjects()).map(nameOfEngineName)) {
      await this.sync(workspace).catch((error: unknown) => failed.set(workspace, error))
    }
    return failed
  }

  /** Tells the nodes that something of a workspace has changed: a hint, at most once. `change` is any JSON value. */
  broadcastChange(workspace: string, change: unknown): void {
    this.#options.events.publish(PREFIX + engineNameOf(workspace), change)
  }

  /** Calls `listener` at each hint of a workspace. Returns unsubscribe. */
  subscribe(workspace: string, listener: (event: ClusterEvent) => void): () => void {
    return this.#options.events.subscribe(PREFIX + engineNameOf(workspace), listener)
  }

  /** Compares the copies of all nodes with the history, record by record. It reads the whole history. */
  async checkConsistency(workspace: string): Promise<CopyState[]> {
    const digests = await this.#historyDigests(workspace)
    return await Promise.all(this.#options.nodes.list().map(({ node }) => this.#compare(node, workspace, digests)))
  }

  close(): void {
    this.#stop()
  }

  async #compare(node: string, workspace: string, digests: readonly string[]): Promise<CopyState> {
    const end = digests.length - 1
    const whole = await this.#ask(node, workspace, end)
    if (whole === undefined) return { node, state: 'offline' }
    if (whole.isOwner) return { node, state: 'owner' }
    if (whole.digest !== digests[whole.lsn]) return await this.#findDivergence(node, workspace, digests, whole.lsn)
    return whole.lsn === end ? { node, state: 'equal' } : { node, state: 'behind', records: end - whole.lsn }
  }

  async #findDivergence(
    node: string,
    workspace: string,
    digests: readonly string[],
    wrong: number,
  ): Promise<CopyState> {
    let state: 'offline' | 'owner' = 'offline'
    const isSame = async (through: number): Promise<boolean | undefined> => {
      const found = await this.#ask(node, workspace, through)
      if (found?.isOwner) state = 'owner'
      return found === undefined || found.isOwner ? undefined : found.digest === digests[through]
    }
    const atLsn = await firstOther(isSame, { same: 0, other: wrong })
    return atLsn === undefined ? { node, state } : { node, state: 'diverged', atLsn }
  }

  async #ask(node: string, workspace: string, upTo: number): Promise<Answer | undefined> {
    const { engine, nodes } = this.#options
    if (node === nodes.self.node) return await this.#describe(workspace, upTo)
    try {
      const bytes = await engine.bus.request(topicOf(node), toBytes({ workspace, upTo }), ANSWER_MS)
      return fromBytes(answer, bytes)
    } catch (error) {
      if (error instanceof EngineError) return undefined
      throw error
    }
  }

  async #describe(workspace: string, upTo: number): Promise<Answer> {
    const found = await this.#options.copies.withCopy(workspace, async (log) => {
      let digest = ''
      let lsn = 0
      const end = Math.min(upTo, (await log.readMark())?.lsn ?? 0)
      if (end > 0) {
        for await (const record of log.read({ through: end as Lsn })) {
          digest = digestAfter(digest, encodePortableRecord(record))
          lsn = record.lsn
        }
      }
      return { isOwner: false, lsn, digest }
    })
    return found ?? { isOwner: true, lsn: 0, digest: '' }
  }

  /** Digest of all records up to each LSN of the history; of none at 0. */
  async #historyDigests(workspace: string): Promise<string[]> {
    const { log } = this.#options.engine
    const subject = engineNameOf(workspace)
    const reader = new HistoryReader(workspace, START)
    const digests = ['']
    for (;;) {
      const messages = await log.read(subject, reader.position.sequence, READ_LIMIT)
      for (const message of messages) {
        for (const record of reader.read(message).records) {
          // Of dropped records there is no digest.
          while (digests.length < record.lsn) digests.push('')
          digests.push(digestAfter(digests.at(-1) ?? '', encodePortableRecord(record)))
        }
      }
      if (messages.length < READ_LIMIT) return digests
    }
  }
}

function digestAfter(before: string, bytes: Uint8Array): string {
  return createHash('sha256').update(before).update(bytes).digest('base64')
}

function topicOf(node: string): string {
  return `jy.node.${node}.copy`
}
