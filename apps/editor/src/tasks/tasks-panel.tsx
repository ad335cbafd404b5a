import type { ListedTask } from '@joinery/client'
import { useBlocks, useTasks, useWorkspace } from '@joinery/react'
import { type ReactNode, useState } from 'react'
import { asSentence } from '../as-sentence.ts'
import { titleOf } from '../block-title.ts'
import { useCanWrite } from '../keys/use-can-write.ts'
import { listProblem } from '../panels/list-problem.ts'
import { openBlock } from '../panels/open-block.ts'
import { Panel } from '../panels/panel.tsx'
import { Problem } from '../panels/problem.tsx'
import { mayCancel, mayRetry, stateWords, stepWords } from './task-words.ts'
import './tasks.css'

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
/** Tasks that the panel shows: the newest. */
const SHOWN_MAX = 50

export function TasksPanel({ onClose }: { onClose: () => void }): ReactNode {
  const { list, error, tasks } = useTasks({ limit: SHOWN_MAX })
  const [problem, setProblem] = useState('')
  const ask = (request: Promise<unknown>): void => {
    setProblem('')
    request.catch((reason: unknown) => setProblem(reason instanceof Error ? reason.message : String(reason)))
  }
  return (
    <Panel title="Tasks" onClose={onClose}>
      {error !== undefined && <p role="status">{listProblem(error.message, list !== undefined)}</p>}
      {problem !== '' && <Problem reason={problem} />}
      {list === undefined && error === undefined && <p className="soft">Reading…</p>}
      {list?.length === 0 && (
        <p className="soft">
          No task has run in this workspace. A task is work of several steps that goes on after a crash, and takes back
          its own work when it can't be finished.
        </p>
      )}
      <ul className="tasks">
        {list?.map((task) => (
          <TaskItem
            key={task.id}
            task={task}
            onCancel={() => ask(tasks.cancel(task.id))}
            onRetry={() => ask(tasks.retry(task.id))}
          />
        ))}
      </ul>
    </Panel>
  )
}

interface TaskItemProps {
  readonly task: ListedTask
  readonly onCancel: () => void
  readonly onRetry: () => void
}

function TaskItem({ task, onCancel, onRetry }: TaskItemProps): ReactNode {
  const { id, saga, state, steps, waiting, error, kept, undone = [], subject, by, startedAt, isCanceling } = task
  const [words, tone] = stateWords(task)
  const blocks = useBlocks()
  const isSaidByStep = steps.some((step) => step.error?.message === error?.message)
  const canWrite = useCanWrite()
  const isCancelable = canWrite && mayCancel(task)
  const isRetryable = canWrite && mayRetry(task)
  return (
    <li data-task={id} data-state={state}>
      <header>
        <h3>{saga}</h3>
        <span className={`pill ${tone}`}>{words}</span>
      </header>
      <p className="soft">
        {by} started it at <time dateTime={new Date(startedAt).toISOString()}>{TIME.format(startedAt)}</time>.
        {isCanceling && ' Its end was asked for.'}
      </p>
      <ol className="steps" aria-label={`Steps of ${saga}`}>
        {steps.map((step) => {
          const { mark, words: told } = stepWords(step)
          return (
            <li key={step.name} className={step.state} data-step={step.name}>
              <span aria-hidden="true">{mark}</span>
              <span>
                {step.name} <span className="soft">{told}</span>
                {step.workers !== undefined && step.workers.length > 0 && (
                  <span className="soft"> on {step.workers.join(', ')}</span>
                )}
                {step.error !== undefined && <span className="problem"> {step.error.message}</span>}
              </span>
            </li>
          )
        })}
      </ol>
      {waiting !== undefined && <p className="waiting">{asSentence(waiting.reason)}</p>}
      {error !== undefined && !isSaidByStep && <p className="problem">{error.message}</p>}
      {kept.map(({ block, by: person }) => (
        <KeptBlock key={block} block={block} person={person} />
      ))}
      {undone.map(({ step, item, error: reason }) => (
        <p key={`${step}/${item}`} className="problem">
          Left as it is: {step}
          {item !== undefined && ` (${item})`}: {reason}
        </p>
      ))}
      <footer>
        {subject !== undefined && blocks.includes(subject.block) && (
          <button type="button" onClick={() => openBlock(subject.block)}>
            Open its block
          </button>
        )}
        {isCancelable && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        {isRetryable && (
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        )}
      </footer>
    </li>
  )
}

/** A block that was not taken back, and the reason. */
function KeptBlock({ block, person }: { block: string; person: string }): ReactNode {
  const { blocks } = useWorkspace()
  const title = titleOf(blocks.get(block)?.fields.get('title'), block)
  return (
    <p className="kept">
      Kept: {person} has written in{' '}
      <button type="button" className="link" onClick={() => openBlock(block)}>
        {title}
      </button>
      .
    </p>
  )
}
