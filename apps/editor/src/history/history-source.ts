import type { BlockJson, IndexingEntry } from '@joinery/blocks'

/** One record of the log. */
export interface HistoryRecord {
  readonly lsn: number
  /** Server time, ms since epoch. */
  readonly at: number
  readonly actor: string
  readonly source: string
  /** `block`, `block/part` or deeper. */
  readonly touched: readonly string[]
}

interface Sides<T> {
  readonly before: T
  readonly after: T
}
export interface BlockDifference {
  readonly id: string
  readonly type?: Sides<string>
  readonly content?: Sides<string>
  readonly indexing: readonly ({ readonly index: string } & Sides<IndexingEntry | null>)[]
  readonly fields: readonly ({ readonly key: string } & Sides<unknown>)[]
  readonly data: readonly ({ readonly key: string } & Sides<unknown>)[]
}
export interface Difference {
  readonly added: readonly BlockJson[]
  readonly removed: readonly BlockJson[]
  readonly changed: readonly BlockDifference[]
}

export interface PastState {
  readonly blocks: readonly BlockJson[]
  readonly hasMore: boolean
}

/** Blocks of a past state that are shown: to read more than that in a panel is nobody's wish. */
const PAST_BLOCKS_MAX = 100

/** The server's answer to what could not be done, in its own words. */
export class HistoryError extends Error {
  override name = 'HistoryError'
}

/** The history of one workspace over the server's HTTP face. Every function rejects with {@link HistoryError}. */
export class HistorySource {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(workspace: string, actor: string, token: string | undefined) {
    this.#base = `/v1/workspaces/${encodeURIComponent(workspace)}`
    this.#headers = {
      // A header takes Latin letters only; who has a token is named by that anyway.
      ...(/^[\x20-\x7e]+$/.test(actor) && { 'x-joinery-actor': actor }),
      'x-joinery-source': 'user_action',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
  }

  /** LSN of the last record. */
  async head(signal: AbortSignal): Promise<number> {
    return (await this.#ask<{ lsn: number }>('', { signal })).lsn
  }

  /** The records after `after`, oldest first, `limit` at most. */
  async records(after: number, limit: number, signal: AbortSignal): Promise<readonly HistoryRecord[]> {
    return (await this.#ask<{ records: HistoryRecord[] }>(`/history?after=${after}&limit=${limit}`, { signal })).records
  }

  difference(from: number, to: number, signal: AbortSignal): Promise<Difference> {
    return this.#ask(`/diff?from=${from}&to=${to}`, { signal })
  }

  /** The blocks as they were at `lsn`, the first {@link PAST_BLOCKS_MAX} by id, and whether there were more. */
  async stateAt(lsn: number, signal: AbortSignal): Promise<PastState> {
    const path = `/blocks?at=${lsn}&limit=${PAST_BLOCKS_MAX}`
    const { blocks, next } = await this.#ask<{ blocks: BlockJson[]; next: string | null }>(path, { signal })
    return { blocks, hasMore: next !== null }
  }

  /** Shows again what was shown at `lsn`, by a new edit. Resolves with its LSN. */
  async restore(lsn: number): Promise<number> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
    const body = JSON.stringify({ lsn })
    return (await this.#ask<{ lsn: number }>('/restore', { method: 'POST', headers, body })).lsn
  }

  async #ask<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response
    try {
      response = await fetch(this.#base + path, { ...init, headers: { ...this.#headers, ...init.headers } })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw new HistoryError('The server can’t be reached: history needs a connection.', { cause })
    }
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok) return body as T
    const message = (body as { error?: { message?: string } } | undefined)?.error?.message
    throw new HistoryError(message ?? `the server answered ${response.status}`)
  }
}
