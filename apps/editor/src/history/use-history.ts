import type { Difference, HistoryRecord, PastPage, WorkspaceHistory } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'

/** Records that are read at a time: some minutes of typing. */
const CHUNK_RECORDS = 500
/** A person who drags the slider wants the place where they stop, ms. */
const SETTLE_MS = 120
/** How soon the end of the slider follows what is written, ms. */
const FOLLOW_MS = 600

/** LSN of the last record, following what is written; undefined before it is known. And what went wrong, if something did. */
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

/** The records around `lsn`: those of its chunk and of the one before. What is read once is kept; only what is new is asked for. */
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
          // Not `end`: what is not durable yet is not told yet.
          const last = more.at(-1)?.lsn ?? through
          known.current = new Map(known.current).set(wanted, { through: last, records: [...records, ...more] })
          setChunks(known.current)
        },
        // The difference below asks the same server and says what is wrong with it.
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

/** What differs between two points; the last answer stays until the next is there. */
export function useDifference(source: WorkspaceHistory, from: number, to: number): Answer<Difference> {
  return useSettled(useCallback((signal: AbortSignal) => source.difference(from, to, { signal }), [source, from, to]))
}

/** The blocks as they were; the last answer stays until the next is there. */
export function useStateAt(source: WorkspaceHistory, lsn: number): Answer<PastPage> {
  return useSettled(useCallback((signal: AbortSignal) => source.stateAt(lsn, { signal }), [source, lsn]))
}

/** Asks when the question has stayed the same for a moment. */
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
