import type { LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { type Chain, type ChainMark, type ChainValue, sha256 } from '../records/chain.ts'
import {
  CHAIN_KEPT_EVERY,
  decodeChainMarks,
  decodeChainValue,
  encodeChainMarks,
  encodeChainValue,
} from '../records/kept-chain.ts'
import { chainKey, chainMarksKey } from '../records/key.ts'
import type { Put, Write } from '../records/write.ts'
import type { Desk } from './history-keeper.ts'
import type { Rung } from './ladder.ts'
import { computeChain } from './stored-chain.ts'

/**
 * The chain value of a stored record. Once it resolves, the value is kept, and it and everything before it is on the disk.
 * Throws `invalid` for a dropped record whose value is not kept, `corrupted`, `closed` or the storage error.
 */
export async function keepChainAt(desk: Desk, lsn: Lsn): Promise<ChainValue> {
  const { workspace, number, extent, host } = desk
  const key = chainKey(number, lsn)
  const known = await host.disk.get(key)
  if (known !== undefined) return decodeChainValue(workspace, key, known)
  if (lsn < extent.firstLsn - 1) {
    const message = `record ${lsn} of workspace ${workspace} was dropped, and its chain value is not kept`
    throw new LogError('invalid', message, { workspace, lsn })
  }
  const { chain, passed } = await chainAt(desk, lsn)
  const { value } = chain.point
  // The beginning of the chain is not kept: it is the same for every log.
  if (lsn >= extent.firstLsn) await desk.write([...passed, encodeChainValue(number, lsn, value)], { needsSync: true })
  return value
}

async function chainAt({ workspace, number, generation, extent, host }: Desk, lsn: Lsn) {
  const passed: Put[] = []
  const moment = host.disk.pin()
  try {
    const place = { generation, firstLsn: extent.firstLsn, lsn }
    const chain = await computeChain({ workspace, number, moment, extent }, place, (point) => {
      passed.push(encodeChainValue(number, point.lsn, point.value))
    })
    return { chain, passed }
  } finally {
    await moment.close()
  }
}

/** Follows the chain through the records that are packed. */
export class PackedChain {
  readonly #desk: Desk
  readonly #chain: Chain
  #passed: Put[]

  private constructor(desk: Desk, chain: Chain, passed: Put[]) {
    this.#desk = desk
    this.#chain = chain
    this.#passed = passed
  }

  /** Begins behind the last packed record. */
  static async open(desk: Desk): Promise<PackedChain> {
    const { chain, passed } = await chainAt(desk, Math.max(desk.extent.sealedLsn, desk.extent.firstLsn - 1) as Lsn)
    return new PackedChain(desk, chain, passed)
  }

  /** Takes the next records, gap-free, and gives the values to keep: of each thousandth, of a snapshot's and of the last. */
  take(records: readonly LogRecord[]): Write[] {
    const { number, extent } = this.#desk
    const last = records.at(-1)?.lsn
    const kept = this.#passed
    this.#passed = []
    for (const record of records) {
      const { lsn } = record
      const value = this.#chain.take(record)
      if (lsn % CHAIN_KEPT_EVERY !== 0 && lsn !== extent.snapshotLsn && lsn !== last) continue
      kept.push(encodeChainValue(number, lsn, value))
    }
    return kept
  }
}

/**
 * The write by which the chain says that the records through a snapshot were dropped: a mark with the digest of the snapshot,
 * behind the last record that there is. Every chain value from the next record on covers it. Write it in this turn: no record may
 * come between the head and the mark behind it.
 */
export function groundMarks({ workspace, number, host }: Desk, { lsn, state, annex }: Rung): Write[] {
  const after = host.head
  const key = chainMarksKey(number, after)
  const known = host.disk.getNow(key)
  const marks: ChainMark[] = known === undefined ? [] : decodeChainMarks(workspace, key, known)
  const others = marks.filter((mark) => 'generation' in mark)
  return encodeChainMarks(number, [...others, { after, groundLsn: lsn, state: sha256(state), annex: sha256(annex) }])
}
