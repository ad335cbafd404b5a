import type { EventStore, LogEntry } from '@joinery/log'
import {
  exportIntact,
  type RepairSurvey,
  repairWorkspace,
  type SurveyOptions,
  surveyRepair,
} from '@joinery/log/operations'
import { noteOfRepair } from '@joinery/tasks'
import type { LoadLimits } from './load-limits.mts'
import { openLoadThread } from './load-threads.mts'
import type { RepairOutcome } from './operator.mts'
import { trySystemLog } from './try-system-log.mts'

/** Begins to load a workspace on trial. */
type Load = NonNullable<SurveyOptions['load']>

/** Runs `work` while no room has the workspace open. */
export type Alone = <T>(workspace: string, work: () => Promise<T>) => Promise<T>

/** Record that a repair appends to what it keeps: an update that changes nothing, so that the history shows the repair. */
const NOTE: LogEntry = {
  update: Uint8Array.of(0, 0),
  actor: 'joinery repair',
  source: 'operator',
  connection: 'joinery repair',
  touched: [],
}

/** Looks at a workspace; if it is damaged and `isMeant`, repairs it while `alone` keeps rooms away. */
export async function repairStore(
  store: EventStore,
  workspace: string,
  options: {
    readonly directory: string
    readonly isMeant: boolean
    readonly signal: AbortSignal | undefined
    readonly load: Load
    readonly alone: Alone
  },
): Promise<RepairOutcome> {
  const { directory, isMeant, signal, load, alone } = options
  const trial = { load, loadSystemLog: trySystemLog, ...(signal && { signal }) }
  const survey = await surveyRepair(store, workspace, trial)
  if (!isMeant || survey.problemCount === 0) return survey
  const note = noteFor(survey)
  return alone(workspace, () => repairWorkspace(store, workspace, { ...trial, directory, note }))
}

/** A journal of tasks that has lost records ends with an event that says so. */
function noteFor({ workspace, droppedBehind }: RepairSurvey): LogEntry {
  const update = droppedBehind > 0 ? noteOfRepair(workspace) : undefined
  return update === undefined ? NOTE : { ...NOTE, update }
}

/** Archive of the part that a repair would keep. */
export async function* exportIntactPart(
  store: EventStore,
  workspace: string,
  limits: LoadLimits,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const thread = openLoadThread({ limits })
  try {
    yield* exportIntact(store, workspace, { load: thread.begin, note: NOTE, ...(signal && { signal }) })
  } finally {
    await thread.end()
  }
}
