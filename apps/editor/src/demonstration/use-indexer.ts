import { observeBlocks } from '@joinery/blocks'
import { useServer, useWorkspace } from '@joinery/react'
import { useEffect } from 'react'
import { DemonstrationRefusal, readStatus, startScenario } from './demonstration-client.ts'

/** Time until the next attempt while another demonstration runs in the workspace, ms. */
const RETRY_MS = 1_500

/** Codes of refusals that pass by themselves. */
const RETRIED: ReadonlySet<string> = new Set(['already_running', 'too_many'])

/**
 * Starts a worker when this person has started an index; in a product, a worker would always be running. Asks once per
 * run, so that an index that can't be built is not tried for ever.
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
      // The worker reads from the server, so the run must be there first.
      await workspace.whenDurable()
      await startScenario(name, 'index_waiting')
      for (const id of runs) asked.add(id)
    }
    const wait = (): void => {
      if (isOver) return
      timer ??= window.setTimeout(() => {
        call().catch((error: unknown) => {
          if (error instanceof DemonstrationRefusal && RETRIED.has(error.code)) wait()
          // Any other error, such as no network, needs no retry here: the next change asks again.
        })
      }, RETRY_MS)
    }
    const look = (): void => {
      if (waiting().length > 0) wait()
    }
    // Follows entries only: a look at every block for each typed letter would slow typing down.
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
