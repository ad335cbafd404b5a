import { type IndexingEntry, indexingRules } from '@joinery/blocks'
import { DemonstrationError } from '../demonstration-error.ts'
import { blockOf, type StepContext } from './step-context.ts'

/** What somebody who only watched one index was shown. */
export interface Testimony {
  /** In order, as `run number status`. */
  readonly shown: readonly string[]
  /** How often it went down the law's order. */
  readonly stepsDown: number
  /** All indexes of the block at the end. */
  readonly indexes: readonly string[]
}

export interface HistoryCheck {
  readonly records: number
  /** Whether the LSNs go up by 1, to the one that is shown at least. */
  readonly isGapFree: boolean
  /** Whether the log, replayed, gives what is shown now. */
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

/** Looks at a history that seems broken, and how far apart, ms: some group commits' time. */
const LOOKS_MAX = 10
const LOOK_MS = 200

/** A reader that writes nothing: it remembers what it was shown, and reads the history behind it. */
export function createWitnessSteps({ workspace, workspaceName, httpUrl }: StepContext) {
  const entries: IndexingEntry[] = []
  let stop: (() => void) | undefined

  const read = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${httpUrl}/v1/workspaces/${encodeURIComponent(workspaceName)}/${path}`)
    if (!response.ok) throw new DemonstrationError('writer_failed', `${path}: ${response.status}`)
    return (await response.json()) as T
  }

  return {
    /** Remembers what index `index` of the block shows from now on. */
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

    /** Resolves when the index shows a finished run, or what the caller names; with all that was shown till then. */
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

    /** Reads the whole log back over HTTP, as anybody can. */
    async checkHistory(): Promise<HistoryCheck> {
      for (let look = 1; ; look++) {
        const check = await lookAtHistory()
        if (look === LOOKS_MAX || (check.isGapFree && check.replaysToNow)) return check
        // What somebody writes at this moment is shown before it is durable, and told of when it is. Damage stays.
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
  }

  async function lookAtHistory(): Promise<HistoryCheck> {
    const now = await read<BlocksPage>('blocks?limit=1000')
    let count = 0
    // Old records may have been dropped by policy; from the first that is kept on, none is missing.
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
