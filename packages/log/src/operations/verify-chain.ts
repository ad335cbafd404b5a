import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { Chain, type ChainValue } from '../records/chain.ts'
import { decodeChainValue } from '../records/kept-chain.ts'
import { KIND, lsnOfRecordKey, ownRange } from '../records/key.ts'
import { readChainOrigin } from '../store/stored-chain.ts'
import type { StoredLog } from '../store/stored-records.ts'
import { isDamage, type Problems, reasonOf } from './problem.ts'

/** Compares the chain values that a log keeps with the values that its records make. */
export class ChainCheck {
  readonly #workspace: string
  readonly #problems: Problems
  readonly #kept: ReadonlyMap<number, ChainValue>
  #chain: Chain | undefined

  private constructor(workspace: string, problems: Problems, kept: ReadonlyMap<number, ChainValue>, chain?: Chain) {
    this.#workspace = workspace
    this.#problems = problems
    this.#kept = kept
    this.#chain = chain
  }

  /** Reads the kept values and marks, and reports those that are damaged. */
  static async open(log: StoredLog, generation: string, firstLsn: Lsn, problems: Problems): Promise<ChainCheck> {
    const { workspace, number, moment } = log
    const kept = new Map<number, ChainValue>()
    const orReport = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
      try {
        return await work()
      } catch (error) {
        if (!isDamage(error)) throw error
        problems.add({ code: 'chain_damaged', message: reasonOf(error) })
        return undefined
      }
    }
    for await (const [key, value] of moment.entries(ownRange(KIND.chain, number))) {
      const known = await orReport(() => decodeChainValue(workspace, key, value))
      if (known !== undefined) kept.set(lsnOfRecordKey(key), known)
    }
    const origin = await orReport(() => readChainOrigin(log, generation, firstLsn))
    return new ChainCheck(workspace, problems, kept, origin && new Chain(origin))
  }

  take(record: LogRecord): void {
    if (this.#chain === undefined) return
    const { lsn } = record
    // Behind a gap nothing can be told.
    if (lsn !== this.#chain.point.lsn + 1) return this.stop()
    const value = this.#chain.take(record)
    const kept = this.#kept.get(lsn)
    if (kept === undefined || kept === value) return
    const message = `the records of workspace ${this.#workspace} through ${lsn} do not make the chain value that is kept for it`
    this.#problems.add({ code: 'chain_mismatch', message, lsn })
    this.stop()
  }

  /** Compares no more: a record is damaged or missing. */
  stop(): void {
    this.#chain = undefined
  }

  /** LSN of the last record that a value is kept for: the log had reached it. */
  get reached(): number {
    return [...this.#kept.keys()].at(-1) ?? 0
  }
}
