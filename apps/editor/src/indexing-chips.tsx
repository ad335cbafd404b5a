import { type IndexingEntry, RunSupersededError } from '@joinery/blocks'
import { useBlock, useIndexingEntry, useIndexNames, useWorkspace } from '@joinery/react'
import { type KeyboardEvent, type ReactNode, useCallback, useId, useState, useSyncExternalStore } from 'react'
import { amountWords } from './amount-words.ts'
import { ChipNote } from './chip-note.tsx'
import { useCanWrite } from './keys/use-can-write.ts'

const WORDS = { notStarted: 'Not started', processing: 'Processing', done: 'Done', error: 'Failed' } as const

/** Shows a block's indexes, each with its status, and buttons to start one. */
export function IndexingChips({ id, actor }: { id: string; actor: string }): ReactNode {
  const names = useIndexNames(id)
  const list = useBlock(id)?.indexingList
  const canWrite = useCanWrite()
  const [problem, setProblem] = useState('')
  const start = (name: string): void => {
    try {
      list?.startRun(name, { source: 'user_action', actor })
      setProblem('')
    } catch (error) {
      if (!(error instanceof RunSupersededError)) throw error
      setProblem(error.message)
    }
  }
  return (
    <div className="indexes">
      <ul aria-label="Indexes">
        {names.map((name) => (
          <IndexingChip key={name} id={id} name={name} onStart={start} onRemove={() => list?.remove(name)} />
        ))}
      </ul>
      {canWrite && !names.includes('main') && (
        <button type="button" className="quiet" onClick={() => start('main')}>
          Start index
        </button>
      )}
      {problem !== '' && <p role="alert">{problem}</p>}
    </div>
  )
}

interface ChipProps {
  readonly id: string
  readonly name: string
  readonly onStart: (name: string) => void
  readonly onRemove: () => void
}

function IndexingChip({ id, name, onStart, onRemove }: ChipProps): ReactNode {
  const entry = useIndexingEntry(id, name)
  const step = useStepWords(`${id}/${name}`, entry?.run.id)
  const canWrite = useCanWrite()
  const noteId = useId()
  const [isNoteClosed, setIsNoteClosed] = useState(false)
  if (entry === undefined) return null
  const chipOnKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setIsNoteClosed(true)
  }
  const openNote = (): void => setIsNoteClosed(false)
  const canStart = canWrite && (entry.status === 'notStarted' || entry.status === 'error')
  return (
    <li className={`chip ${entry.status}`} onPointerEnter={openNote} onFocus={openNote} onKeyDown={chipOnKeyDown}>
      <span data-index={name} data-status={entry.status} data-run={entry.run.no}>
        {name}: {describe(entry, step)}
      </span>
      {canStart && (
        <button type="button" className="quiet" onClick={() => onStart(name)}>
          {entry.status === 'error' ? 'Retry' : 'Start'}
          <span className="hidden"> {name}</span>
        </button>
      )}
      <button
        type="button"
        className="quiet"
        aria-label={`Remove index ${name}`}
        aria-describedby={isNoteClosed ? undefined : noteId}
        disabled={!canWrite}
        onClick={onRemove}
      >
        ×
      </button>
      {!isNoteClosed && <ChipNote id={noteId} entry={entry} />}
    </li>
  )
}

/** Progress of the run's job in words; empty if no job shows any. A string, so that a chip renders only when its own words change. */
function useStepWords(key: string, run: string | undefined): string {
  const { progress } = useWorkspace().presence
  const subscribe = useCallback((listener: () => void) => progress.subscribe(listener), [progress])
  return useSyncExternalStore(subscribe, () => {
    const step = progress.get()[key]
    if (step === undefined || step.run !== run || step.total === undefined) return ''
    return `, ${step.done} of ${step.total}${step.note === undefined ? '' : ` ${step.note}`}`
  })
}

function describe(entry: IndexingEntry, step: string): string {
  const { status, error, actor } = entry
  if (status === 'processing' && step !== '') return WORDS.processing + step
  // Nobody but the person who started it has reported: no worker has begun.
  if (status === 'processing' && entry.source === 'user_action') return 'Waiting for a worker'
  if (status === 'error') return `${WORDS.error}: ${error ?? 'no reason given'} (${actor})`
  const amount = amountWords(entry)
  return amount === '' ? WORDS[status] : `${WORDS[status]}, ${amount}`
}
