import { setTimeout as delay } from 'node:timers/promises'
import * as Y from 'yjs'
import { RawClient } from '../support/raw-client.ts'

/** A real client waits before it tries again; short, since these tests restart servers. */
const RECONNECT_MS = 50

/**
 * A person who types entries into a workspace, reconnects whenever the connection is lost, and keeps a ledger of which
 * entries the server called durable.
 */
export class LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly doc = new Y.Doc()
  /** Entries typed, in order: `name:number`. */
  readonly typed: string[] = []
  /** The first so many of {@link typed} were called durable. */
  acknowledged = 0
  readonly #url: string
  /** How many entries are covered by the n-th update frame of the present connection (index n - 1). */
  #coverage: number[] = []
  /** The present connection has sent its SyncStep2. */
  #hasOffered = false
  #client: RawClient | undefined
  #isStopped = false
  readonly #run: Promise<void>

  constructor(url: string, workspace: string, name: string) {
    this.#url = url
    this.workspace = workspace
    this.name = name
    this.#run = this.#stayConnected()
  }

  /** Entries of this workspace, by everybody, as this writer holds them. */
  entries(): string[] {
    return this.doc.getArray<string>('entries').toArray()
  }

  get isAcknowledged(): boolean {
    return this.acknowledged === this.typed.length
  }

  /** Types one entry; it goes out at once if there is a connection that has synced, else with the next SyncStep2. */
  type(): void {
    const entry = `${this.name}:${this.typed.length}`
    this.typed.push(entry)
    const framesBefore = this.#client?.framesSent
    this.doc.getArray<string>('entries').push([entry])
    if (this.#client !== undefined && this.#client.framesSent !== framesBefore) this.#cover(this.#client)
  }

  #cover(client: RawClient): void {
    // Until the first SyncStep2 of a connection, a frame carries only itself, not what was typed offline before it.
    this.#coverage[client.framesSent - 1] = this.#hasOffered ? this.typed.length : 0
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isStopped) {
      this.#coverage = []
      this.#hasOffered = false
      const client = new RawClient({
        url: this.#url,
        path: this.workspace,
        query: { actor: this.name },
        wantsJoinery: true,
        doc: this.doc,
      })
      client.onSyncStep2 = () => {
        this.#hasOffered = true
        // The frame that is sent next: everything typed so far is in it.
        this.#coverage[client.framesSent] = this.typed.length
      }
      client.onMessage = (message) => {
        if (message.type !== 'durable' || message.frames === 0) return
        this.acknowledged = Math.max(this.acknowledged, this.#coverage[message.frames - 1] ?? 0)
      }
      this.#client = client
      const ending = await client.ended
      this.#client = undefined
      if (client.rejections.length > 0) throw new Error(`${this.name} was refused: ${client.rejections[0]?.reason}`)
      if (ending.kind === 'close' && ending.code >= 4400 && ending.code < 4500) {
        throw new Error(`${this.name} was closed for good: ${ending.code} ${ending.reason}`)
      }
      if (!this.#isStopped) await delay(RECONNECT_MS)
    }
  }

  /** Closes the connection; rejects if the server ever refused this writer. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#client?.close()
    await this.#run
  }
}
