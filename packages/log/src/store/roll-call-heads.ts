import { decodeRollCall } from '../disk/roll-call.ts'
import type { Lsn } from '../lsn.ts'
import { decodeMark, type KeptCut } from '../records/history-mark.ts'
import { KIND, kindRange, numberOfKey } from '../records/key.ts'

type Entries = (range: { gte: Uint8Array; lt: Uint8Array }) => AsyncIterable<[key: Uint8Array, value: Uint8Array]>

/** The facts that the roll calls of a store tell. */
export interface RollCallHeads {
  /** The LSN that each workspace is known to have reached, by number. */
  readonly heads: Map<number, Lsn>
  /** Number of the next call. */
  readonly nextRollCall: number
}

/**
 * Reads the roll calls. A call that was made before records were cut off a log says nothing about records behind the cut. Calls
 * `onDamaged` with the slot of each damaged call.
 */
export async function readRollCalls(
  entries: Entries,
  onDamaged: (slot: number) => void = () => undefined,
): Promise<RollCallHeads> {
  const cuts = await readCuts(entries)
  const heads = new Map<number, Lsn>()
  let nextRollCall = 0
  for await (const [key, value] of entries(kindRange(KIND.rollCall))) {
    const call = decodeRollCall(key, value)
    if (call === undefined) {
      onDamaged(key[1] ?? 0)
      continue
    }
    nextRollCall = Math.max(nextRollCall, call.no + 1)
    for (const [number, lsn] of call.heads) {
      const cut = cuts.get(number)
      const reached = cut !== undefined && call.no < cut.rollCall ? Math.min(lsn, cut.lsn) : lsn
      heads.set(number, Math.max(reached, heads.get(number) ?? 0) as Lsn)
    }
  }
  return { heads, nextRollCall }
}

async function readCuts(entries: Entries): Promise<Map<number, KeptCut>> {
  const cuts = new Map<number, KeptCut>()
  for await (const [key, value] of entries(kindRange(KIND.historyMark))) {
    const cut = decodeMark(key, value)?.cut
    if (cut !== undefined) cuts.set(numberOfKey(key), cut)
  }
  return cuts
}
