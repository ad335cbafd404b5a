import {
  type ListedTask,
  type SeenTask,
  type SeenTasks,
  type Task,
  type TaskQuery,
  tasksOf,
  type WorkspaceTasks,
} from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface TaskResult {
  /** Undefined until the server has answered. */
  readonly task: Task | undefined
  /** Reason why the server did not answer the last time; undefined when it did. */
  readonly error: Error | undefined
  /** To cancel, retry and start tasks. */
  readonly tasks: WorkspaceTasks
}

export interface TasksResult {
  /** The newest first. Undefined until the server has answered. */
  readonly list: readonly ListedTask[] | undefined
  readonly error: Error | undefined
  readonly tasks: WorkspaceTasks
}

const NO_TASK: SeenTask = { answer: undefined, error: undefined }

/** One task as it goes on: its state, its steps, the cause for which it waits. On a server nothing is requested. */
export function useTask(id: string | undefined): TaskResult {
  const tasks = tasksOf(useWorkspace())
  const watch = useMemo(() => (id === undefined ? NOTHING : tasks.watch(id)), [tasks, id])
  const { answer, error } = useObservable(watch)
  const task = answer?.task
  return useMemo(() => ({ task, error, tasks }), [task, error, tasks])
}

/**
 * The newest tasks of the workspace as they go on. A new object with the same values is the same query. On a server nothing is
 * requested.
 */
export function useTasks({ states, saga, limit }: TaskQuery = {}): TasksResult {
  const tasks = tasksOf(useWorkspace())
  // One object for each query, so that two components share the requests.
  const watch = tasks.watchList({ states, saga, limit })
  const { answer, error }: SeenTasks = useObservable(watch)
  const list = answer?.tasks
  return useMemo(() => ({ list, error, tasks }), [list, error, tasks])
}

const NOTHING = { get: () => NO_TASK, subscribe: () => () => undefined }
