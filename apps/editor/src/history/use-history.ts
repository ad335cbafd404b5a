import type { Difference, HistoryRecord, PastPage, WorkspaceHistory } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

/** Records per request: some minutes of typing. */
const CHUNK_RECORDS = 500
/** Time that the slider must rest before its state is read, ms: a person who drags it wants the place where they stop. */
const SETTLE_MS = 120
/** Time until the end of the slider follows an edit, ms. */
const FOLLOW_MS = 600

/** LSN of the last record, which follows new edits, undefined until it is known; and the problem with reading it, or an empty text. */
export function useHead(source: WorkspaceHistory): { head: number | undefined; problem: string } {
  const workspace = useWorkspace()
  const [head, setHead] = useState<number>()
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const controller = new AbortController()
    let timer: number | undefined
    const look = (): void => {
      timer = undefined
      source.head({ signal: controller.signal }).then(
        (lsn) => {
          setHead(lsn)
          setProblem('')
        },
        (error: unknown) => tellUnlessAborted(controller.signal, error, setProblem),
      )
    }
    const docOnUpdate = (): void => {
      timer ??= window.setTimeout(look, FOLLOW_MS)
    }
    const follow = (): (() => void) => {
      const { doc } = workspace
      doc.on('update', docOnUpdate)
      return () => doc.off('update', docOnUpdate)
    }
    let unfollow = follow()
    const stop = workspace.onReset(() => {
      unfollow()
      unfollow = follow()
      look()
    })
    look()
    return () => {
      controller.abort()
      window.clearTimeout(timer)
      stop()
      unfollow()
    }
  }, [source, workspace])
  return { head, problem }
}

interface Chunk {
  /** LSN up to which it is read. */
  readonly through: number
  readonly records: readonly HistoryRecord[]
}

/** Records around `lsn`: those of its chunk and of the one before. Keeps the records that it has read, and asks only for new ones. */
export function useRecords(source: WorkspaceHistory, lsn: number, head: number): readonly HistoryRecord[] {
  const [chunks, setChunks] = useState<ReadonlyMap<number, Chunk>>(new Map())
  const known = useRef(chunks)
  const chunk = Math.floor(Math.max(0, lsn - 1) / CHUNK_RECORDS)
  const previous = Math.max(0, chunk - 1)
  useEffect(() => {
    const controller = new AbortController()
    for (const wanted of new Set([previous, chunk])) {
      const { through, records } = known.current.get(wanted) ?? { through: wanted * CHUNK_RECORDS, records: [] }
      const end = Math.min(head, (wanted + 1) * CHUNK_RECORDS)
      if (through >= end) continue
      source.records({ after: through, limit: end - through, signal: controller.signal }).then(
        ({ records: more }) => {
          // Not `end`: the server does not return records that are not durable yet.
          const last = more.at(-1)?.lsn ?? through
          known.current = new Map(known.current).set(wanted, { through: last, records: [...records, ...more] })
          setChunks(known.current)
        },
        // The difference below asks the same server, and shows the error.
        () => undefined,
      )
    }
    return () => controller.abort()
  }, [source, chunk, previous, head])
  return useMemo(
    () => [...new Set([previous, chunk])].flatMap((wanted) => chunks.get(wanted)?.records ?? []),
    [chunks, previous, chunk],
  )
}

export type Answer<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string }

/** Difference between two records' states. The last answer stays until the next one is there. */
export function useDifference(source: WorkspaceHistory, from: number, to: number): Answer<Difference> {
  return useSettled(useCallback((signal: AbortSignal) => source.difference(from, to, { signal }), [source, from, to]))
}

/** Blocks of the state at a record. The last answer stays until the next one is there. */
export function useStateAt(source: WorkspaceHistory, lsn: number): Answer<PastPage> {
  return useSettled(useCallback((signal: AbortSignal) => source.stateAt(lsn, { signal }), [source, lsn]))
}

/** Calls `ask` once it has stayed the same function for {@link SETTLE_MS}; returns its answer. */
function useSettled<T>(ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: 'loading' })
  useEffect(() => {
    const controller = new AbortController()
    const timer = window.setTimeout(() => {
      ask(controller.signal).then(
        (value) => setAnswer({ state: 'ready', value }),
        (error: unknown) =>
          tellUnlessAborted(controller.signal, error, (reason) => setAnswer({ state: 'failed', reason })),
      )
    }, SETTLE_MS)
    return () => {
      window.clearTimeout(timer)
      controller.abort()
    }
  }, [ask])
  return answer
}

function tellUnlessAborted(signal: AbortSignal, error: unknown, tell: (reason: string) => void): void {
  if (!signal.aborted) tell(error instanceof Error ? error.message : String(error))
}
