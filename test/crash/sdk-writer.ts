import { ClientError, connectWorkspace, type Workspace } from '@joinery/client'
import { Ledger, type LedgerWriter, type TokenMaker } from './ledger-writer.ts'

/** A writer that uses the SDK as an application does. `whenDurable()` decides what counts as durable in the ledger. */
export class SdkWriter implements LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  readonly #client: Workspace
  #failure: Error | undefined

  constructor(url: string, workspace: string, name: string, makeToken?: TokenMaker) {
    this.name = name
    this.workspace = workspace
    this.ledger = new Ledger(name)
    const who = { actor: name, source: 'user_action', ...(makeToken && { token: () => makeToken(name) }) }
    this.#client = connectWorkspace({ url, workspace, ...who, offline: false })
    this.#client.onReset(({ reason }) => {
      this.#failure ??= new Error(`the document of ${name} was replaced: ${reason}`)
    })
  }

  entries(): string[] {
    return this.#client.doc.getArray<string>('entries').toArray()
  }

  type(): void {
    const { doc } = this.#client
    doc.getArray<string>('entries').push([this.ledger.next()])
    const count = this.ledger.typed.length
    this.#client.whenDurable().then(
      ({ lsn = 0 }) => this.ledger.acknowledge(count, lsn),
      (error: unknown) => {
        const isStopped = error instanceof ClientError && error.code === 'closed'
        if (!isStopped) this.#failure ??= new Error(`${this.name} was refused`, { cause: error })
      },
    )
  }

  async stop(): Promise<void> {
    await this.#client.close()
    if (this.#failure !== undefined) throw this.#failure
  }
}
