import { builtInStatuses } from '@joinery/blocks'
import { useClaims } from '@joinery/react'
import type { ReactNode } from 'react'
import { resourceTone, resourceWords } from './resource-words.ts'

/** Shows the statuses of a block's files, payments and tasks. Nothing where it has none. */
export function StatusChips({ id }: { id: string }): ReactNode {
  const statuses = useClaims(id, builtInStatuses)
  if (statuses.length === 0) return null
  return (
    <div className="indexes">
      <ul aria-label="Resources">
        {statuses.map((entry) => {
          const { machine, name, run } = entry
          return (
            <li key={`${machine}/${name}`} className={`chip ${resourceTone(entry)}`}>
              <span data-machine={machine} data-resource={name} data-run={run.no}>
                {resourceWords(entry)}
              </span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
