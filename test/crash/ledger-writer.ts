/** A client that types entries into a workspace, stays connected, and keeps a ledger of which entries were called durable. */
export interface LedgerWriter {
  readonly name: string
  readonly workspace: string
  readonly ledger: Ledger
  /** All entries of the workspace, of all writers, as this writer holds them. */
  entries(): string[]
  /** Types one entry, connected or not. */
  type(): void
  /** Closes the connection; rejects if the server ever refused this writer. */
  stop(): Promise<void>
}

/** Makes a token for a person; none for a server without keys. */
export type TokenMaker = (name: string) => Promise<string>

/** Entries that one writer typed, and how many of them the server acknowledged. */
export class Ledger {
  readonly #name: string
  /** Entries in the order they were typed, `name:number`. */
  readonly typed: string[] = []
  #acknowledged = 0
  #lsn = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Adds the next entry. */
  next(): string {
    const entry = `${this.#name}:${this.typed.length}`
    this.typed.push(entry)
    return entry
  }

  /** The first `count` entries were called durable, with all up to the record `lsn`. */
  acknowledge(count: number, lsn: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, count)
    this.#lsn = Math.max(this.#lsn, lsn)
  }

  /** The last record that was called durable; 0 for none. */
  get lsn(): number {
    return this.#lsn
  }

  /** How many entries were called durable. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get isAcknowledged(): boolean {
    return this.#acknowledged === this.typed.length
  }
}
