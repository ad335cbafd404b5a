import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { Chain, sha256 } from '../records/chain.ts'
import type { History } from './forged-archive.ts'

/** Gives whole numbers below a bound, the same for the same seed (mulberry32). */
export type Draw = (bound: number) => number

export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** A change of a history by somebody who knows the format. `other` is the history of another workspace. */
export type Mutation = (history: History, draw: Draw, other: History) => History

/** Contents at the places that records have: LSNs and times stay gap-free and in order. */
function placed(history: History, contents: readonly LogRecord[]): History {
  const { records } = history
  const [first, last] = [records[0], records.at(-1)]
  const placedRecords = contents.map((record, n) => {
    const { at } = records[n] ?? last ?? record
    return { ...record, lsn: ((first?.lsn ?? 1) + n) as Lsn, at }
  })
  return { ...history, records: placedRecords }
}

const flipped = (bytes: Uint8Array, draw: Draw): Uint8Array => {
  const copy = Buffer.from(bytes)
  const place = draw(copy.length)
  copy[place] = (copy[place] ?? 0) ^ (1 << draw(8))
  return copy
}

const FIELDS: readonly ((record: LogRecord, draw: Draw) => Partial<LogRecord>)[] = [
  ({ update }, draw) => ({ update: flipped(update, draw) }),
  ({ update }, draw) => ({ update: Buffer.concat([update, Buffer.from([draw(256)])]) }),
  ({ update }) => ({ update: update.subarray(1) }),
  ({ actor }) => ({ actor: `${actor}a` }),
  ({ actor, source }) => ({ actor: actor + source.slice(0, 1), source: source.slice(1) }),
  ({ connection, source }) => ({ connection: source, source: connection }),
  ({ touched }) => ({ touched: [...touched, ''] }),
  ({ touched }) => ({ touched: touched.length === 0 ? ['block'] : touched.slice(1) }),
  ({ touched }) => ({ touched: [touched.join('') || 'x', 'y'] }),
  ({ idempotencyKey }) => ({ idempotencyKey: `${idempotencyKey ?? ''}k` }),
]

/** Every kind of mutation, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  change: (history, draw) => {
    const { records } = history
    const at = draw(records.length)
    const change = FIELDS[draw(FIELDS.length)]
    return { ...history, records: records.map((each, n) => (n === at ? { ...each, ...change?.(each, draw) } : each)) }
  },
  'change of time': (history, draw) => {
    const from = draw(history.records.length)
    const byMs = 1 + draw(100_000)
    // All later records, too: times never go back.
    return {
      ...history,
      records: history.records.map((each, n) => (n < from ? each : { ...each, at: each.at + byMs })),
    }
  },
  remove: (history, draw) => {
    const at = draw(history.records.length)
    return placed(history, history.records.toSpliced(at, 1 + draw(history.records.length - at)))
  },
  insert: (history, draw) => {
    const { records } = history
    const copied = records[draw(records.length)] as LogRecord
    const inserted = draw(2) === 0 ? copied : { ...copied, update: flipped(copied.update, draw) }
    // Behind the last record is behind every head: that is no change of what they stand for.
    return placed(
      history,
      records.toSpliced(draw(records.length), 0, { ...inserted, connection: `c${draw(1_000_000)}` }),
    )
  },
  reorder: (history, draw) => {
    const { records } = history
    const from = draw(records.length)
    const to = (from + 1 + draw(records.length - 1)) % records.length
    const swapped = [...records]
    swapped[from] = records[to] as LogRecord
    swapped[to] = records[from] as LogRecord
    return placed(history, swapped)
  },
  'cut the end': (history, draw) => ({ ...history, records: history.records.slice(0, draw(history.records.length)) }),
  'cut the beginning': (history, draw) => {
    const { records, marks, base, dropped, ground } = history
    const count = 1 + draw(records.length - 1)
    const gone = records.slice(0, count)
    const last = gone.at(-1) as LogRecord
    const chain = new Chain({ lsn: ((records[0]?.lsn ?? 1) - 1) as Lsn, value: base, marks })
    const values = gone.map((record) => [record.lsn, chain.take(record)] as const)
    const state = Buffer.from(`another state ${draw(1_000_000)}`)
    return {
      ...history,
      records: records.slice(count),
      base: chain.point.value,
      dropped: [...dropped, ...values],
      ground: { lsn: last.lsn, at: last.at, state, annex: ground?.annex ?? new Uint8Array(0) },
    }
  },
  'swap a record between workspaces': (history, draw, other) => {
    const { records } = history
    const at = draw(records.length)
    const taken = other.records[draw(other.records.length)] as LogRecord
    return placed(history, records.with(at, taken))
  },
  'swap workspaces': (history, draw, other) => {
    const { workspace, generation } = history
    return draw(2) === 0 ? { ...other, workspace } : { ...other, workspace, generation }
  },
  'change of the snapshot': (history, draw) => {
    const { ground, marks } = history
    if (ground === undefined) return MUTATIONS.change?.(history, draw, history) ?? history
    const state = flipped(ground.state, draw)
    const isMarked = draw(2) === 0
    const forged = marks.map((mark) => ('groundLsn' in mark && isMarked ? { ...mark, state: sha256(state) } : mark))
    return { ...history, ground: { ...ground, state }, marks: forged }
  },
  'change of the beginning': (history, draw) => {
    const base = Buffer.from(flipped(Buffer.from(history.base, 'hex'), draw)).toString('hex')
    return { ...history, base }
  },
  'change of the marks': (history, draw) => {
    const { marks } = history
    if (marks.length === 0)
      return { ...history, marks: [{ after: (history.records[0]?.lsn ?? 1) as Lsn, generation: 'g' }] }
    const at = draw(marks.length)
    return draw(2) === 0
      ? { ...history, marks: marks.toSpliced(at, 1) }
      : { ...history, marks: marks.map((mark, n) => (n === at ? { after: mark.after, generation: 'another' } : mark)) }
  },
}
