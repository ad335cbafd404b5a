import { createHash } from 'node:crypto'
import { type BlockJson, type ClaimAuthor, getBlock } from '@joinery/blocks'
import type { Stamp, Workspaces, WorkspaceView } from '@joinery/server'
import type * as Y from 'yjs'
import { ApiError } from './api-error.ts'
import type { ApiLimits } from './api-limits.ts'
import { type BlockView, readBlock, viewBlock } from './block-view.ts'
import { type History, touches } from './history.ts'
import type { Journal, KeyedWrite, RecordHead } from './journal.ts'
import type { Journals } from './journals.ts'
import type { WorkspaceId } from './workspace-name.ts'

/** One request to write. */
export interface WriteRequest {
  readonly workspace: WorkspaceId
  readonly author: ClaimAuthor
  /** The blocks whose state the answer needs. */
  readonly blocks: readonly string[]
  readonly key: string | undefined
  /** What tells this request from another under the same key. */
  readonly fingerprint: string
  /** Throws unless the edit may be made. */
  check(view: WorkspaceView): void
  run(doc: Y.Doc): void
}

/** What a write came to: all that its answer is made from, now and when the request is repeated. */
export interface WriteOutcome {
  readonly lsn: number
  /** Undefined when the write changed nothing. */
  readonly record: RecordHead | undefined
  /** The blocks asked for, as of `lsn`; those that are gone are left out. */
  readonly blocks: ReadonlyMap<string, BlockView>
}

export interface WritesOptions {
  readonly workspaces: Workspaces
  readonly journals: Journals
  readonly history: History
  readonly limits: Pick<ApiLimits, 'durableWaitMs' | 'answersMax'>
}

/** Answers with more text than this are made again from the log rather than kept. */
const ANSWER_CHARS_MAX = 16_384

/** Thrown inside `check`, to leave before anything is done. */
class Leave extends Error {
  readonly why: 'stale' | KeyedWrite
  constructor(why: 'stale' | KeyedWrite) {
    super('not now')
    this.why = why
  }
}

/** The way of a write: once per idempotency key, checked and made in one turn, answered when durable. */
export class Writes {
  readonly #options: WritesOptions
  readonly #answers = new Map<string, WriteOutcome>()

  constructor(options: WritesOptions) {
    this.#options = options
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { key, workspace } = request
    for (;;) {
      const journal = await this.#options.journals.use(workspace)
      if (key !== undefined) {
        await journal.loadKeys()
        const known = journal.keyed(key)
        if (known !== undefined) return this.#repeat(request, key, known)
      }
      try {
        return await this.#attempt(request, journal)
      } catch (error) {
        if (!(error instanceof Leave)) throw error
        if (error.why !== 'stale') return this.#repeat(request, key ?? '', error.why)
        this.#options.journals.drop(journal)
      }
    }
  }

  async #attempt(request: WriteRequest, journal: Journal): Promise<WriteOutcome> {
    const { workspace, author, blocks, key } = request
    const via = viaOf(request)
    const before = new Map<string, Stamp | undefined>()
    const after = new Map<string, BlockJson | undefined>()
    let head = 0
    const written = this.#options.workspaces.write(workspace, {
      writer: author,
      via,
      ...(key !== undefined && { idempotencyKey: key }),
      check: (view) => {
        if (view.head !== journal.head) throw new Leave('stale')
        const known = key === undefined ? undefined : journal.keyed(key)
        if (known !== undefined) throw new Leave(known)
        request.check(view)
        head = view.head
        for (const id of blocks) before.set(id, view.stamps.of(id))
      },
      run: (doc) => {
        request.run(doc)
        for (const id of blocks) after.set(id, getBlock(doc, id)?.toJSON())
      },
    })
    const { lsn, repeated } = await this.#whenDurable(written)
    if (repeated) {
      const { actor, connection } = await journal.recordAt(lsn)
      throw new Leave({ lsn, actor, via: connection })
    }
    const record = lsn > head ? await journal.recordAt(lsn) : undefined
    const views = new Map<string, BlockView>()
    for (const [id, json] of after) {
      const stamp = record !== undefined && touches(record, id) ? record : before.get(id)
      if (json !== undefined) views.set(id, viewBlock(json, stamp))
    }
    const outcome = { lsn, record, blocks: views }
    if (key !== undefined) {
      if (record === undefined) journal.noteKey(key, { lsn, actor: author.actor, via })
      this.#keep(workspace, key, outcome)
    }
    return outcome
  }

  /** The first answer again: kept, or made from the log as of the first write. */
  async #repeat(request: WriteRequest, key: string, known: KeyedWrite): Promise<WriteOutcome> {
    const { workspace, author, blocks } = request
    if (known.actor !== author.actor || known.via !== viaOf(request)) {
      throw new ApiError('key_reused', `the idempotency key "${key}" was used for another request: make a new one`)
    }
    // The first may not be durable yet: an edit of nothing resolves when all before it is.
    await this.#whenDurable(
      this.#options.workspaces.write(workspace, { writer: author, via: 'http', run: () => undefined }),
    )
    const kept = this.#answers.get(answerKey(workspace, key))
    if (kept !== undefined) return kept
    const [outcome] = await this.#options.history.visit(workspace, [{ lsn: known.lsn }], ({ doc, stamps, record }) => {
      const views = new Map<string, BlockView>()
      for (const id of blocks) {
        const view = readBlock(doc, stamps, id)
        if (view !== undefined) views.set(id, view)
      }
      // A write that changed nothing has only the record of somebody else at its place.
      return { lsn: known.lsn, record: record?.idempotencyKey === key ? record : undefined, blocks: views }
    })
    if (outcome === undefined) throw new ApiError('internal', 'the log did not reach the first answer')
    return outcome
  }

  #keep(workspace: WorkspaceId, key: string, outcome: WriteOutcome): void {
    let chars = 0
    for (const { content, data } of outcome.blocks.values()) chars += content.length + JSON.stringify(data).length
    if (chars > ANSWER_CHARS_MAX) return
    this.#answers.set(answerKey(workspace, key), outcome)
    if (this.#answers.size <= this.#options.limits.answersMax) return
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest)
      return
    }
  }

  async #whenDurable<T>(written: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = 'the write is made and not durable yet: repeat it with the same Idempotency-Key to learn more'
        reject(new ApiError('not_durable_yet', message, { retryAfterSeconds: 5 }))
      }, this.#options.limits.durableWaitMs)
    })
    try {
      return await Promise.race([written, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What the record has as connection. Under a key it holds the request's fingerprint, to know the same request again. */
function viaOf({ key, fingerprint }: WriteRequest): string {
  if (key === undefined) return 'http'
  return `http:${createHash('sha256').update(fingerprint).digest('base64url').slice(0, 22)}`
}

function answerKey(workspace: WorkspaceId, key: string): string {
  return `${workspace}\n${key}`
}
