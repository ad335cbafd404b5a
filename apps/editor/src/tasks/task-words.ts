import type { ListedTask } from '@joinery/client'

type Step = ListedTask['steps'][number]
export type Tone = 'good' | 'busy' | 'bad'

const STATES: Readonly<Record<ListedTask['state'], readonly [words: string, tone: Tone]>> = {
  queued: ['Queued', 'busy'],
  running: ['Running', 'busy'],
  waiting: ['Waiting', 'busy'],
  stalled: ['Stalled', 'bad'],
  compensating: ['Taking back', 'bad'],
  needs_attention: ['Needs attention', 'bad'],
  done: ['Done', 'good'],
  failed: ['Failed', 'bad'],
  compensated: ['Taken back', 'good'],
  compensated_partly: ['Taken back in part', 'bad'],
  canceled: ['Canceled', 'bad'],
}

const STEPS: Readonly<Record<Step['state'], readonly [words: string, mark: string]>> = {
  pending: ['to do', '○'],
  running: ['running', '◐'],
  waiting: ['waiting', '◌'],
  done: ['done', '✓'],
  failed: ['failed', '✗'],
  unsure: ['may have happened', '?'],
  skipped: ['skipped', '–'],
  compensating: ['being taken back', '↺'],
  compensated: ['taken back', '↩'],
  kept: ['kept in part', '↩'],
  undo_failed: ['could not be taken back', '✗'],
}

/** State of a task in words, and its tone. */
export function stateWords({ state }: ListedTask): readonly [words: string, tone: Tone] {
  return STATES[state]
}

/** Mark of a step for the eye, and its state in words. */
export function stepWords(step: Step): { readonly mark: string; readonly words: string } {
  const [state, mark] = STEPS[step.state]
  const words = [state]
  if (step.total > 1) words.push(`${step.done} of ${step.total}`)
  const { progress, total, note } = step.progress ?? {}
  if (progress !== undefined) words.push(total === undefined ? `${progress}` : `${progress} of ${total}`)
  if (note !== undefined) words.push(note)
  if (step.attempt > 1) words.push(`attempt ${step.attempt}`)
  return { mark, words: words.join(', ') }
}

/** Whether a task may still be canceled. */
export function mayCancel({ state, isCanceling }: ListedTask): boolean {
  return !isCanceling && ['queued', 'running', 'waiting', 'stalled'].includes(state)
}

/** Whether a person may have the step that failed tried again. */
export function mayRetry({ state }: ListedTask): boolean {
  return state === 'needs_attention' || state === 'failed'
}
