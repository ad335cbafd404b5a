import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { LogError, type LogErrorCode } from '@joinery/log'
import type { DirectoryReport, HistoryRow, Imported, StoreInspection } from '@joinery/log/operations'
import type { DeliveryView } from '@joinery/resources'
import type { DamagedJournal, TaskView } from '@joinery/tasks'
import { type Control, readControlFile } from './control-file.mts'
import { CONTROL_PATH, failure, line } from './control-line.mts'
import type { Compaction, ImportChoice, Operator, RepairOutcome, Watched } from './operator.mts'
import type { FailedDeliveries } from './store-deliveries.mts'
import type { HookRow, HookView } from './store-hooks.mts'
import type { LeaseRow } from './store-leases.mts'
import type { TaskRow } from './store-tasks.mts'

/** Finds the server that has this data directory open; undefined if none answers, also when a killed server has left its control file. */
export async function findServer(directory: string): Promise<Operator | undefined> {
  const control = await readControlFile(directory)
  if (control === undefined) return undefined
  try {
    await ask(control, 'ping', {}, {})
  } catch {
    // Nothing listens there, or a program that does not know the secret: then the database's lock decides.
    return undefined
  }
  // Answers are not parsed again: they come from the same version of the same program.
  return {
    verify: (watched) => ask(control, 'verify', {}, watched) as Promise<DirectoryReport>,
    inspect: (workspace, signal) => ask(control, 'inspect', { workspace }, { signal }) as Promise<StoreInspection>,
    history: (query, signal) => ask(control, 'history', query, { signal }) as Promise<HistoryRow[]>,
    archive: (choice, watched) => stream(control, 'archive', choice, watched),
    import: (path, choice, watched) => upload(control, path, choice, watched) as Promise<Imported>,
    repair: (workspace, isMeant, watched) => {
      return ask(control, 'repair', { workspace, isMeant }, watched) as Promise<RepairOutcome>
    },
    revoke: (actor, sinceMs) => ask(control, 'revoke', { actor, sinceMs }, {}) as Promise<number>,
    leases: (workspace) => ask(control, 'leases', { workspace }, {}) as Promise<LeaseRow[]>,
    releaseLease: (workspace, name) => ask(control, 'releaseLease', { workspace, name }, {}) as Promise<LeaseRow>,
    tasks: (workspace) => ask(control, 'tasks', { workspace }, {}) as Promise<TaskRow[]>,
    damagedJournals: () => ask(control, 'damagedJournals', {}, {}) as Promise<readonly DamagedJournal[]>,
    task: (workspace, task) => ask(control, 'task', { workspace, task }, {}) as Promise<TaskView>,
    askTask: (workspace, task, what) =>
      ask(control, 'askTask', { workspace, task, ask: what }, {}) as Promise<TaskView>,
    resumeTasks: (workspace) => ask(control, 'resumeTasks', { workspace }, {}) as Promise<number>,
    hooks: () => ask(control, 'hooks', {}, {}) as Promise<HookRow[]>,
    hook: (endpoint, id) => ask(control, 'hook', { endpoint, id }, {}) as Promise<HookView>,
    askHook: (endpoint, id, what) => ask(control, 'askHook', { endpoint, id, ask: what }, {}) as Promise<HookRow>,
    deliveries: () => ask(control, 'deliveries', {}, {}) as Promise<FailedDeliveries>,
    delivery: (subscription, id) => ask(control, 'delivery', { subscription, id }, {}) as Promise<DeliveryView>,
    askDelivery: (subscription, id, what) => {
      return ask(control, 'askDelivery', { subscription, id, ask: what }, {}) as Promise<DeliveryView>
    },
    enableEndpoint: async (subscription) => void (await ask(control, 'enableEndpoint', { subscription }, {})),
    compact: (keepHistory, workspace, watched) => {
      return ask(control, 'compact', { keepHistory, workspace }, watched) as Promise<Compaction[]>
    },
    remove: async (removal, workspace) => void (await ask(control, 'remove', { removal, workspace }, {})),
  }
}

async function ask(control: Control, what: string, body: object, watched: Watched): Promise<unknown> {
  return readAnswer(control, await post(control, what, [JSON.stringify(body)], watched.signal), watched)
}

async function upload(control: Control, path: string, choice: ImportChoice, watched: Watched): Promise<unknown> {
  const query = new URLSearchParams(choice.workspaces?.map((name) => ['workspace', name]))
  if (choice.as !== undefined) query.set('as', choice.as)
  const answer = await post(control, `import?${query}`, createReadStream(path), watched.signal)
  return readAnswer(control, answer, watched)
}

async function* stream(
  control: Control,
  what: string,
  body: object,
  { signal, onBytes }: Watched,
): AsyncGenerator<Uint8Array> {
  const answer = await post(control, what, [JSON.stringify(body)], signal)
  let bytes = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      onBytes?.(bytes)
      yield chunk
    }
  } catch (cause) {
    throw brokenOff(control, signal, cause)
  }
}

async function readAnswer(control: Control, answer: IncomingMessage, watched: Watched): Promise<unknown> {
  for await (const text of linesOf(control, answer, watched.signal)) {
    const said = line.parse(JSON.parse(text))
    if ('progress' in said) watched.onProgress?.(...said.progress)
    else if ('error' in said) throw new LogError(said.error.code as LogErrorCode, said.error.message)
    else return said.result
  }
  throw brokenOff(control, watched.signal, undefined)
}

async function* linesOf(
  control: Control,
  answer: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  try {
    for await (const text of createInterface({ input: answer })) if (text !== '') yield text
  } catch (cause) {
    throw brokenOff(control, signal, cause)
  }
}

/** Error for an answer that breaks off: the signal's reason if the command was stopped, else that the server is gone. */
function brokenOff(control: Control, signal: AbortSignal | undefined, cause: unknown): unknown {
  if (signal?.aborted) return signal.reason
  return new LogError('closed', `the answer of the server at ${control.url} broke off: run the command again`, {
    cause,
  })
}

/** Sends a request. Resolves with the answer once it begins; rejects if there is none, or if the server refuses. */
async function post(
  control: Control,
  what: string,
  body: Iterable<string> | AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { url, secret } = control
  const asking = request(`${url}${CONTROL_PATH}${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    ...(signal && { signal }),
  })
  const answered = once(asking, 'response') as Promise<[IncomingMessage]>
  const [[answer]] = await Promise.all([answered, pipeline(body, asking)]).catch((cause: unknown) => {
    throw brokenOff(control, signal, cause)
  })
  if (answer.statusCode === 200) return answer
  const refused = answer.statusCode === 409 ? failure.safeParse(await json(answer)) : undefined
  if (refused?.success) throw new LogError(refused.data.error.code as LogErrorCode, refused.data.error.message)
  answer.resume()
  throw new LogError('unreadable', `the server at ${url} answered with HTTP status ${answer.statusCode}`)
}
