import { observeBlocks } from '@joinery/blocks'
import { useServer, useWorkspace } from '@joinery/react'
import { useEffect } from 'react'
import { DemonstrationRefusal, readStatus, startScenario } from './demonstration-client.ts'

/** How often is looked whether the one demonstration of the workspace has ended, ms. */
const RETRY_MS = 1_500

/** Refusals that pass by themselves. */
const RETRIED: ReadonlySet<string> = new Set(['already_running', 'too_many'])

/**
 * Calls a worker when this person has started an index: in a product one would be running. Asks once per run, so that an
 * index nobody can build is not tried for ever.
 */
export function useIndexer(name: string, isOffered: boolean): void {
  const workspace = useWorkspace()
  const actor = useServer()?.actor
  useEffect(() => {
    if (!isOffered || actor === undefined) return
    const asked = new Set<string>()
    let timer: number | undefined
    let isOver = false
    const waiting = (): string[] =>
      workspace.blocks.list().flatMap(({ indexingList }) =>
        indexingList
          .entries()
          .filter(
            (entry) => entry.status === 'processing' && entry.run.source === 'user_action' && entry.actor === actor,
          )
          .map(({ run }) => run.id)
          .filter((id) => !asked.has(id)),
      )
    const call = async (): Promise<void> => {
      timer = undefined
      const runs = waiting()
      if (runs.length === 0 || isOver) return
      const { demonstration } = await readStatus(name)
      if (demonstration?.state === 'running') return wait()
      // The worker reads from the server, so what it is to find has to be there.
      await workspace.whenDurable()
      await startScenario(name, 'index_waiting')
      for (const id of runs) asked.add(id)
    }
    const wait = (): void => {
      if (isOver) return
      timer ??= window.setTimeout(() => {
        call().catch((error: unknown) => {
          if (error instanceof DemonstrationRefusal && RETRIED.has(error.code)) wait()
          // Offline: the next change asks again.
        })
      }, RETRY_MS)
    }
    const look = (): void => {
      if (waiting().length > 0) wait()
    }
    // Of entries alone: to look at every block with each letter that is typed would be felt.
    const follow = (): (() => void) =>
      observeBlocks(workspace.doc, ({ added, changed }) => {
        if (added.length > 0 || changed.some(({ indexing }) => indexing !== undefined)) look()
      })
    let unfollow = follow()
    const stop = workspace.onReset(() => {
      unfollow()
      unfollow = follow()
      look()
    })
    look()
    return () => {
      isOver = true
      window.clearTimeout(timer)
      stop()
      unfollow()
    }
  }, [workspace, name, actor, isOffered])
}
