import { ClientError, type WorkspaceHistory } from '@joinery/client'
import { useEffect, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { blocksOf, type Session } from './sessions.ts'

/** Where the last title of a block that is gone stands: points of the log, the likeliest first. */
export interface LastTouch {
  readonly id: string
  readonly points: readonly number[]
}

/** For each block that is gone, and that a step is about, the last step of those that are loaded that touched it. */
export function lastTouches(sessions: readonly Session[], isGone: (id: string) => boolean): LastTouch[] {
  const touches = new Map<string, LastTouch>()
  for (const { last, touched, writes } of sessions) {
    const ids = blocksOf(touched)
    const isDeletion = writes === false
    for (const id of ids) {
      if (touches.has(id) || (ids.length === 1 && isGone(id)))
        touches.set(id, { id, points: isDeletion ? [last - 1] : [last, last - 1] })
    }
  }
  return [...touches.values()]
}

/** Gives the titles that blocks had before they were deleted, as far as they are read. They are read one after the other. */
export function useGoneTitles(
  source: WorkspaceHistory,
  sessions: readonly Session[],
  isGone: (id: string) => boolean,
): (id: string) => string | undefined {
  const [titles, setTitles] = useState<ReadonlyMap<string, { at: number | undefined; title: string | undefined }>>(
    new Map(),
  )
  const wanted = JSON.stringify(lastTouches(sessions, isGone))
  // biome-ignore lint/correctness/useExhaustiveDependencies: a title that is read meanwhile is one of this list, which reads each once
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const read = async (): Promise<void> => {
      for (const touch of JSON.parse(wanted) as LastTouch[]) {
        const at = touch.points[0]
        if (titles.get(touch.id)?.at === at) continue
        const title = await titleBefore(source, touch, signal)
        if (signal.aborted) return
        setTitles((before) => new Map(before).set(touch.id, { at, title }))
      }
    }
    read().catch((error: unknown) => {
      // Without an answer the steps keep their words, and the panel says so. The next step asks again.
      if (!(error instanceof ClientError) && !signal.aborted) throw error
    })
    return () => controller.abort()
  }, [source, wanted])
  return (id) => titles.get(id)?.title
}

async function titleBefore(source: WorkspaceHistory, { id, points }: LastTouch, signal: AbortSignal) {
  for (const point of points) {
    try {
      const { fields } = await source.blockAt(id, point, { signal })
      return titleOf(fields.title, id)
    } catch (error) {
      // There was no such block then, or that part of the history is not kept.
      if (!(error instanceof ClientError && error.code === 'request_refused')) throw error
    }
  }
  return undefined
}
