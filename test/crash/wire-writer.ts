import { setTimeout as delay } from 'node:timers/promises'
import { isFinalCloseCode } from '@joinery/protocol'
import * as Y from 'yjs'
import { RawClient } from '../support/raw-client.ts'
import { Ledger, type LedgerWriter, type TokenMaker } from './ledger-writer.ts'

/** Shorter than in any polite client: a restarted server has to be busy again at once. */
const RECONNECT_MS = 50

/** A writer that speaks the wire itself, so that the server's acknowledgements are checked without the SDK's bookkeeping. */
export class WireWriter implements LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  readonly #url: string
  readonly #makeToken: TokenMaker | undefined
  readonly #doc = new Y.Doc()
  /** How many entries are safe once the n-th update frame of the present connection is durable (index n - 1). */
  #coverage: number[] = []
  /** The present connection has sent its SyncStep2. */
  #hasOffered = false
  #client: RawClient | undefined
  #isStopped = false
  readonly #run: Promise<void>

  constructor(url: string, workspace: string, name: string, makeToken?: TokenMaker) {
    this.#url = url
    this.#makeToken = makeToken
    this.workspace = workspace
    this.name = name
    this.ledger = new Ledger(name)
    this.#run = this.#stayConnected()
    // `stop` reports the failure. Until then nothing handles the rejection.
    this.#run.catch(() => undefined)
  }

  entries(): string[] {
    return this.#doc.getArray<string>('entries').toArray()
  }

  type(): void {
    const client = this.#client
    const framesBefore = client?.framesSent
    this.#doc.getArray<string>('entries').push([this.ledger.next()])
    if (client === undefined || client.framesSent === framesBefore) return
    // Until the first SyncStep2 of a connection, a frame carries only itself, not what was typed offline before it.
    this.#coverage[client.framesSent - 1] = this.#hasOffered ? this.ledger.typed.length : 0
  }

  async #stayConnected(): Promise<void> {
    const token = await this.#makeToken?.(this.name)
    const who: Record<string, string> = token === undefined ? { actor: this.name } : { token }
    while (!this.#isStopped) {
      this.#coverage = []
      this.#hasOffered = false
      const client = this.#connect(who)
      this.#client = client
      const ending = await client.ended
      this.#client = undefined
      const refusal = client.rejections[0]
      if (refusal !== undefined) throw new Error(`${this.name} was refused: ${refusal.reason}`)
      if (ending.kind === 'close' && isFinalCloseCode(ending.code)) {
        throw new Error(`${this.name} was closed for good: ${ending.code} ${ending.reason}`)
      }
      if (!this.#isStopped) await delay(RECONNECT_MS)
    }
  }

  #connect(query: Readonly<Record<string, string>>): RawClient {
    const client = new RawClient({
      url: this.#url,
      path: this.workspace,
      query,
      wantsJoinery: true,
      doc: this.#doc,
    })
    client.onSyncStep2 = () => {
      this.#hasOffered = true
      // The frame that is sent next holds everything typed so far.
      this.#coverage[client.framesSent] = this.ledger.typed.length
    }
    client.onMessage = (message) => {
      if (message.type !== 'durable') return
      this.ledger.acknowledge(this.#coverage[message.frames - 1] ?? 0, message.lsn)
    }
    return client
  }

  /** Cuts the connection, and reconnects as after any other loss. */
  cut(): void {
    this.#client?.cut()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#client?.close()
    await this.#run
  }
}
