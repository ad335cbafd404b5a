import { setTimeout as delay } from 'node:timers/promises'
import { Ledger, type LedgerWriter } from '../../crash/ledger-writer.ts'

/** Time for which an answer is waited for: a node that stands still gives none, ms. */
const ANSWER_MS = 2_000
const AGAIN_MS = 50
/** Each answer of so many is asked for again. */
const REPEAT_EVERY = 4

interface Answered {
  readonly block: string
  readonly lsn: string
}

/**
 * A job that makes one block after the other over HTTP, each under its `Idempotency-Key`, and sends each again until it is answered.
 * The server chooses the blocks' ids: a request that took effect twice would leave two blocks.
 */
export class HttpWriter implements LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  readonly #url: string
  #isBusy = false
  #isStopped = false
  #failure: Error | undefined

  constructor(url: string, workspace: string, name: string) {
    this.#url = `${url.replace('ws', 'http')}/v1/workspaces/${workspace}/blocks`
    this.name = name
    this.workspace = workspace
    this.ledger = new Ledger(name)
  }

  /** None: this writer holds no document. */
  entries(): string[] {
    return []
  }

  type(): void {
    if (this.#isBusy || this.#isStopped) return
    this.#isBusy = true
    this.#write(this.ledger.next())
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#isBusy = false
      })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#failure !== undefined) throw this.#failure
  }

  async #write(entry: string): Promise<void> {
    const count = this.ledger.typed.length
    const first = await this.#untilAnswered(entry)
    if (first === undefined) return
    this.ledger.acknowledge(count, Number(first.lsn))
    if (count % REPEAT_EVERY !== 0) return
    const again = await this.#untilAnswered(entry)
    if (again !== undefined && (again.block !== first.block || again.lsn !== first.lsn)) {
      throw new Error(`${entry} was answered ${JSON.stringify(first)}, and then ${JSON.stringify(again)}`)
    }
  }

  async #untilAnswered(entry: string): Promise<Answered | undefined> {
    while (!this.#isStopped) {
      const answered = await this.#ask(entry)
      if (answered !== undefined) return answered
      await delay(AGAIN_MS)
    }
    return undefined
  }

  /** Undefined if there was no answer, or one that says to ask again. Rejects when it is refused for good. */
  async #ask(entry: string): Promise<Answered | undefined> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': entry, 'x-joinery-actor': this.name }
    const body = JSON.stringify({ type: 'text', content: entry })
    let status: number
    let text: string
    let lsn: string
    try {
      const response = await fetch(this.#url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) })
      status = response.status
      text = await response.text()
      lsn = response.headers.get('x-joinery-lsn') ?? ''
    } catch {
      return undefined
    }
    if (status === 201) return { block: (JSON.parse(text) as { id: string }).id, lsn }
    if (status >= 500) return undefined
    throw new Error(`${entry} was refused: ${status} ${text}`)
  }
}
