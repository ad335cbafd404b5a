import { createHash } from 'node:crypto'
import { type BlockJson, type ClaimAuthor, type ClaimList, getBlock, getEdge, type ListedEdge } from '@joinery/blocks'
import {
  type Identity,
  type LogRecord,
  originOf,
  type Stamp,
  type WorkspaceId,
  type Workspaces,
  type WorkspaceView,
} from '@joinery/server'
import type { Tasks } from '@joinery/tasks'
import type * as Y from 'yjs'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import { type BlockView, blockJson, readBlock, viewBlock } from '../block-view.ts'
import { type EdgeView, edgePath, readEdge, viewEdge } from '../edge-view.ts'
import { type History, type RecordHead, touches } from '../history/history.ts'
import type { RequestWork } from '../request-work.ts'
import { refusedUpdate } from './refused-update.ts'
import type { AboutToWrite } from './untouched.ts'
import { whenDurable } from './when-durable.ts'
import { fenceOf } from './work-fence.ts'

/** One request to write. */
export interface WriteRequest {
  readonly workspace: WorkspaceId
  readonly author: ClaimAuthor
  /** The work that the write is a part of. */
  readonly work: RequestWork
  /** The blocks that the answer shows. */
  readonly blocks: readonly string[]
  /** The edges that the answer shows. */
  readonly edges?: readonly string[]
  readonly key: string | undefined
  /** Token of the lease under which the write is made. */
  readonly lease: string | undefined
  /** Text that tells this request from another one under the same key. Called only for a request with a key. */
  fingerprint(): string
  /** The blocks and edges that the write changes, without statuses and indexes; undefined for anything. */
  readonly about?: AboutToWrite
  /** The answer comes only when the write is fsynced. */
  readonly sync: boolean
  /** Throws when the edit may not be made. */
  check(view: WorkspaceView): void
  run(doc: Y.Doc): void
}

/** A request that brings a Yjs update, under the rules that hold for the caller's own connections. */
export interface UpdateRequest
  extends Pick<WriteRequest, 'workspace' | 'work' | 'key' | 'lease' | 'fingerprint' | 'sync' | 'check'> {
  readonly identity: Identity
  readonly update: Uint8Array
}

/** The outcome of a write. The answer is made from it alone, also when the request is repeated. */
export interface WriteOutcome {
  readonly lsn: number
  /** The record; undefined when the write changed nothing. */
  readonly record: RecordHead | undefined
  /** The requested blocks as they are at `lsn`, without deleted ones. */
  readonly blocks: ReadonlyMap<string, BlockView>
  readonly edges: ReadonlyMap<string, EdgeView>
}

export interface WritesOptions {
  readonly workspaces: Workspaces
  readonly history: History
  /** The lists of claims of a block. */
  readonly lists: readonly ClaimList[]
  readonly limits: Pick<ApiLimits, 'durableWaitMs' | 'answersMax'>
  /** The tasks of the server, whose attempts write under their leases. */
  readonly tasks?: Tasks | undefined
}

/** Characters of an answer that is kept. Larger answers are made again from the log. */
const ANSWER_CHARS_MAX = 16_384

/** Makes writes: once per idempotency key, checked and made in one turn, answered when durable. */
export class Writes {
  readonly #options: WritesOptions
  readonly #answers = new Map<string, WriteOutcome>()

  constructor(options: WritesOptions) {
    this.#options = options
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { workspace, author, work, blocks, edges = [], key, lease, sync } = request
    const before = new Map<string, Stamp | undefined>()
    const blocksAfter = new Map<string, BlockJson>()
    const edgesAfter = new Map<string, ListedEdge>()
    const fence = fenceOf(this.#options.tasks, workspace, lease)
    const via = work.part(() => viaOf(request))
    await work.breathe()
    const written = await whenDurable(
      this.#options.limits.durableWaitMs,
      this.#options.workspaces.write(workspace, {
        writer: author,
        payer: work.payer.principal,
        principal: work.owner,
        via,
        ...fence.edit,
        ...(key !== undefined && { idempotencyKey: key }),
        ...(sync && { sync }),
        check: (view) => {
          work.assertStands()
          fence.check(view, request.about)
          request.check(view)
          for (const path of [...blocks, ...edges.map(edgePath)]) before.set(path, view.stamps.of(path))
        },
        run: (doc) => {
          request.run(doc)
          for (const id of blocks) {
            const block = getBlock(doc, id)
            if (block !== undefined) blocksAfter.set(id, blockJson(block, this.#options.lists))
          }
          for (const id of edges) {
            const edge = getEdge(doc, id)
            if (edge !== undefined) edgesAfter.set(id, edge)
          }
        },
      }),
    )
    if (written.repeated) return this.#repeat(request, written.lsn)
    const record = changeOf(written.record)
    const stampOf = (path: string) => (record !== undefined && touches(record, path) ? record : before.get(path))
    const outcome: WriteOutcome = {
      lsn: written.lsn,
      record,
      blocks: new Map([...blocksAfter].map(([id, json]) => [id, viewBlock(json, stampOf(id))])),
      edges: new Map([...edgesAfter].map(([id, edge]) => [id, viewEdge(edge, stampOf(edgePath(id)))])),
    }
    if (written.record?.idempotencyKey !== undefined) this.#keep(answerKey(workspace, written.record), outcome)
    return outcome
  }

  /** Applies the update, or nothing of it. Throws `bad_update`, `missing_edits` or `update_refused`. */
  async bring(request: UpdateRequest): Promise<Pick<WriteOutcome, 'lsn' | 'record'>> {
    const { workspace, identity, work, key, lease, sync, update, check } = request
    const fence = fenceOf(this.#options.tasks, workspace, lease)
    const brought = await whenDurable(
      this.#options.limits.durableWaitMs,
      this.#options.workspaces.bring(workspace, {
        writer: identity,
        payer: work.payer.principal,
        principal: work.owner,
        via: viaOf(request),
        update,
        ...fence.edit,
        check: (view) => {
          work.assertStands()
          fence.check(view, undefined)
          check(view)
        },
        ...(key !== undefined && { idempotencyKey: key }),
        ...(sync && { sync }),
      }),
    )
    if ('refusal' in brought) throw refusedUpdate(brought.refusal)
    if (!brought.repeated) return { lsn: brought.lsn, record: changeOf(brought.record) }
    const record = await this.#firstRecord(request, identity.actor, brought.lsn)
    return { lsn: brought.lsn, record: changeOf(record) }
  }

  /** The first record under the key of a request. Throws `key_reused` when it is another request's. */
  async #firstRecord(
    request: Pick<WriteRequest, 'workspace' | 'key' | 'fingerprint'>,
    actor: string,
    lsn: number,
  ): Promise<LogRecord> {
    const record = await this.#options.history.recordAt(request.workspace, lsn)
    if (record.actor === actor && originOf(record).connection === viaOf(request)) return record
    const message = `the idempotency key "${request.key}" was used for another request: use a new key`
    throw new ApiError('key_reused', message)
  }

  /** Gives the first answer again: the kept one, or one made from the log as it was at the first write. */
  async #repeat(request: WriteRequest, lsn: number): Promise<WriteOutcome> {
    const { workspace, author, work, blocks, edges = [] } = request
    const { history } = this.#options
    const record = await this.#firstRecord(request, author.actor, lsn)
    const kept = this.#answers.get(answerKey(workspace, record))
    if (kept !== undefined) return kept
    return history.read(workspace, { lsn }, work, ({ doc, stamps }) => ({
      lsn,
      record: changeOf(record),
      blocks: viewsOf(blocks, (id) => readBlock(doc, stamps, id, this.#options.lists)),
      edges: viewsOf(edges, (id) => readEdge(doc, stamps, id)),
    }))
  }

  #keep(key: string, outcome: WriteOutcome): void {
    let chars = 0
    for (const { content, data } of outcome.blocks.values()) chars += content.length + JSON.stringify(data).length
    if (chars > ANSWER_CHARS_MAX) return
    this.#answers.set(key, outcome)
    if (this.#answers.size <= this.#options.limits.answersMax) return
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest)
      return
    }
  }
}

function viewsOf<V>(ids: readonly string[], read: (id: string) => V | undefined): Map<string, V> {
  const views = new Map<string, V>()
  for (const id of ids) {
    const view = read(id)
    if (view !== undefined) views.set(id, view)
  }
  return views
}

/** Bytes of a Yjs V1 update without structs and deletions: the record of a keyed write that changed nothing holds one. */
const EMPTY_UPDATE_BYTES = 2

function changeOf(record: LogRecord | undefined): RecordHead | undefined {
  if (record === undefined || record.update.length <= EMPTY_UPDATE_BYTES) return undefined
  const { update: _update, ...head } = record
  return head
}

/** The connection of the record. Under a key it holds a fingerprint of the request, to recognise a repeat. */
function viaOf({ key, fingerprint }: Pick<WriteRequest, 'key' | 'fingerprint'>): string {
  if (key === undefined) return 'http'
  return `http:${createHash('sha256').update(fingerprint()).digest('base64url').slice(0, 22)}`
}

/** Key of a kept answer. It holds the time, since the LSNs of a purged workspace's name begin again at 1. */
function answerKey(workspace: WorkspaceId, { lsn, at, idempotencyKey }: RecordHead): string {
  return `${workspace}\n${lsn}\n${at}\n${idempotencyKey}`
}
