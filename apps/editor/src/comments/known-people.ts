import type { Workspace } from '@joinery/client'
import { useObservable, usePresence, useWorkspace } from '@joinery/react'
import { useSyncExternalStore } from 'react'
import { isPerson } from '../person.ts'
import { allThreadsOf } from './all-threads.ts'

/** The parts of a block whose last writer counts. Nobody but its maker writes the type: a job that rewrites a text hides no person. */
const PARTS = ['type', 'content', 'fields']

/**
 * Names of those who can be addressed, without `own`: the people here now, then the writers of comments, then the people who made a
 * block or wrote last in one, as the server stamps them.
 */
export function useKnownPeople(own: readonly string[]): readonly string[] {
  const workspace = useWorkspace()
  const { others } = usePresence()
  const all = useObservable(allThreadsOf(workspace))
  // As text: React compares what it reads by identity.
  const writers = useSyncExternalStore(workspace.provenance.subscribe, () => JSON.stringify(writersOf(workspace)))
  const here = others.flatMap(({ state }) => (isPerson(state) ? state.name : []))
  const commented = all.flatMap(({ threads }) => threads.flatMap(({ comments }) => comments.map(({ actor }) => actor)))
  return [...new Set([...here, ...commented, ...(JSON.parse(writers) as string[])])].filter(
    (name) => !own.includes(name),
  )
}

function writersOf({ blocks, provenance }: Workspace): readonly string[] {
  const writers = blocks.list().flatMap(({ id }) =>
    PARTS.flatMap((part) => {
      const stamp = provenance.known(`${id}/${part}`)
      return stamp?.source === 'user_action' ? stamp.actor : []
    }),
  )
  return [...new Set(writers)]
}
