import type { Lsn } from '../lsn.ts'
import {
  CHAIN_START,
  Chain,
  type ChainMark,
  type ChainOrigin,
  type ChainPoint,
  type ChainValue,
} from '../records/chain.ts'
import { CHAIN_KEPT_EVERY, decodeChainMarks, decodeChainValue } from '../records/kept-chain.ts'
import { chainKey, chainKeyRange, chainMarksKeyRange, lsnOfRecordKey } from '../records/key.ts'
import { readStoredRuns, type StoredLog } from './stored-records.ts'

/**
 * Where the chain begins that can be computed from the records of a log: before record 1, or at the last dropped record, whose
 * value is kept. A log from a version that kept no chain begins one behind what it had dropped. `generation` is the log's
 * present one. Throws `corrupted`.
 */
export async function readChainOrigin(log: StoredLog, generation: string, firstLsn: Lsn): Promise<ChainOrigin> {
  const lsn = (firstLsn - 1) as Lsn
  const marks = await readMarks(log, lsn)
  const value = lsn === 0 ? undefined : await keptAt(log, lsn)
  if (value !== undefined) return { lsn, value, marks }
  const hasBirth = marks.some((mark) => mark.after === lsn && 'generation' in mark)
  return { lsn, value: CHAIN_START, marks: hasBirth ? marks : [{ after: lsn, generation }, ...marks] }
}

async function readMarks({ workspace, number, moment }: StoredLog, from: Lsn): Promise<ChainMark[]> {
  const marks: ChainMark[] = []
  for await (const [key, value] of moment.entries(chainMarksKeyRange(number, from))) {
    marks.push(...decodeChainMarks(workspace, key, value))
  }
  return marks
}

async function keptAt({ workspace, number, moment }: StoredLog, lsn: Lsn): Promise<ChainValue | undefined> {
  const key = chainKey(number, lsn)
  const value = await moment.get(key)
  return value && decodeChainValue(workspace, key, value)
}

/** The kept chain values of records before `before`, in order. Throws `corrupted`. */
export async function* readKept({ workspace, number, moment }: StoredLog, before: Lsn): AsyncGenerator<ChainPoint> {
  for await (const [key, value] of moment.entries(chainKeyRange(number, 1, before - 1))) {
    yield { lsn: lsnOfRecordKey(key), value: decodeChainValue(workspace, key, value) }
  }
}

/**
 * The chain at `lsn`, from the nearest value that is kept. Calls `onPassed` for each thousandth record on the way. Throws
 * `corrupted` for a damaged record, value or mark.
 */
export async function computeChain(
  log: StoredLog,
  { generation, firstLsn, lsn }: { generation: string; firstLsn: Lsn; lsn: Lsn },
  onPassed: (point: ChainPoint) => void,
): Promise<Chain> {
  const { workspace, number, moment } = log
  const isBehindOrigin = lsn >= firstLsn
  const near = isBehindOrigin ? await moment.last(chainKeyRange(number, firstLsn, lsn)) : undefined
  const chain = new Chain(
    near === undefined
      ? await readChainOrigin(log, generation, firstLsn)
      : {
          lsn: lsnOfRecordKey(near[0]),
          value: decodeChainValue(workspace, ...near),
          marks: await readMarks(log, lsnOfRecordKey(near[0])),
        },
  )
  if (chain.point.lsn >= lsn) return chain
  for await (const run of readStoredRuns(log, chain.point.lsn + 1, lsn)) {
    for (const record of run) {
      chain.take(record)
      if (record.lsn % CHAIN_KEPT_EVERY === 0) onPassed(chain.point)
    }
  }
  return chain
}
