import { type IndexingEntry, indexingRules } from '@joinery/blocks'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** States that a client was shown of one index that it only watched. */
export interface Testimony {
  /** Shown states in order, as `run number status`. */
  readonly shown: readonly string[]
  /** Number of times that the shown state went down the law's order. */
  readonly stepsDown: number
  /** Names of all indexes of the block at the end. */
  readonly indexes: readonly string[]
}

export interface HistoryCheck {
  readonly records: number
  /** Whether the LSNs go up by 1, and reach at least the LSN of the shown state. */
  readonly isGapFree: boolean
  /** Whether a replay of the log gives the shown state. */
  readonly replaysToNow: boolean
}

interface RecordsPage {
  readonly records: readonly { lsn: number }[]
  readonly next: number | null
}
interface BlocksPage {
  readonly blocks: readonly unknown[]
  readonly lsn: number
}

const STATUS_WORDS = { notStarted: 'not started', processing: 'processing', done: 'done', error: 'failed' } as const

/** Checks of a history until it counts as broken. */
const LOOKS_MAX = 10
/** Time between two checks, ms: that of some group commits. */
const LOOK_MS = 200

/** Steps of a witness, which writes nothing: it records the states that it was shown, and reads the history. */
export function createWitnessSteps({ workspace, workspaceName, httpUrl }: StepContext) {
  const entries: IndexingEntry[] = []
  let stop: (() => void) | undefined

  const read = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${httpUrl}/v1/workspaces/${encodeURIComponent(workspaceName)}/${path}`)
    if (!response.ok) throw new DemonstrationError('writer_failed', `${path}: ${response.status}`)
    return (await response.json()) as T
  }

  return {
    /** Records the states that index `index` of the block shows from now on. */
    async watch({ block: id, index }: { block: string; index: string }): Promise<void> {
      const { indexingList } = blockOf(workspace.blocks, id)
      const look = (): void => {
        const entry = indexingList.get(index)
        if (entry !== undefined && entry !== entries.at(-1)) entries.push(entry)
      }
      stop?.()
      entries.length = 0
      look()
      stop = indexingList.observe(look)
    },

    /** Resolves with all states shown so far, once the index shows one of the statuses in `until`. */
    async testify({ block: id, index, until }: { block: string; index: string; until: string[] }): Promise<Testimony> {
      const { indexingList } = blockOf(workspace.blocks, id)
      const isThere = (): boolean => until.includes(indexingList.get(index)?.status ?? '')
      await new Promise<void>((resolve) => {
        if (isThere()) return resolve()
        const unobserve = indexingList.observe(() => {
          if (!isThere()) return
          unobserve()
          resolve()
        })
      })
      const isDown = (entry: IndexingEntry, at: number): boolean => {
        const before = entries[at - 1]
        return before !== undefined && indexingRules.compare(entry, before) < 0
      }
      return {
        shown: entries
          .map(({ run, status }) => `run ${run.no} ${STATUS_WORDS[status]}`)
          .filter((it, at, all) => it !== all[at - 1]),
        stepsDown: entries.filter(isDown).length,
        indexes: indexingList.entries().map(({ index_name }) => index_name),
      }
    },

    /** Reads the whole log over HTTP, as any client can, and checks it. */
    async checkHistory(): Promise<HistoryCheck> {
      for (let look = 1; ; look++) {
        const check = await lookAtHistory()
        if (look === LOOKS_MAX || (check.isGapFree && check.replaysToNow)) return check
        // An edit of this moment is shown before it is durable, but is in the history only after. Damage would stay.
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
  }

  async function lookAtHistory(): Promise<HistoryCheck> {
    const now = await read<BlocksPage>('blocks?limit=1000')
    let count = 0
    // The policy may have dropped old records; from the first kept record on, none may be missing.
    let next: number | undefined
    let isGapFree = true
    for (let after: number | null = 0; after !== null && after < now.lsn; ) {
      const page: RecordsPage = await read(`history?limit=1000&after=${after}`)
      for (const { lsn } of page.records) {
        if (next !== undefined && lsn !== next) isGapFree = false
        next = lsn + 1
        count += 1
      }
      after = page.next
    }
    if ((next ?? 1) <= now.lsn) return { records: count, isGapFree: false, replaysToNow: false }
    const then = await read<BlocksPage>(`blocks?limit=1000&at=${now.lsn}`)
    return { records: count, isGapFree, replaysToNow: JSON.stringify(then.blocks) === JSON.stringify(now.blocks) }
  }
}
