import { setImmediate as yieldToSockets } from 'node:timers/promises'
import { createBlock, getBlock } from '@joinery/blocks'
import { connectWorkspace, type Workspace } from '@joinery/client'
import type * as Y from 'yjs'
import { AppError } from '../app-error.mts'
import { Author } from './author.mts'
import { Delivery, type SentTransaction } from './delivery.mts'
import { Latencies } from './latency.mts'
import { Pace, type Speed } from './pace.mts'
import { type Step, scheduleByAuthor } from './schedule.mts'
import type { Trace } from './trace.mts'

/** Id of the block whose content the history is written into. */
const BLOCK = 'replay'
/** Edits of one author in a burst. After a burst, sockets get a turn; one edit of each burst is timed. */
const BURST_EDITS = 50
/** Bursts of one author that may wait for durability at once, so that a fast author does not fill memory with frames. */
const BURSTS_WAITING_MAX = 20

export interface ReplayOptions {
  readonly trace: Trace
  /** `ws://host:port` of a running server. */
  readonly url: string
  /** Name of the workspace. It must not have been replayed into before. */
  readonly workspace: string
  readonly token: string | undefined
  /** Number of clients that only read. */
  readonly watcherCount: number
  readonly speed: Speed
  /** Ends the replay; it then rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Called during the replay with the number of edits done. */
  readonly onProgress: (editCount: number) => void
}

export interface ReplayResult {
  readonly editCount: number
  /** Time from the first edit until all are durable. */
  readonly elapsedMs: number
  /** Times from an edit until it is durable, for one edit of each burst. */
  readonly durable: Latencies
  /** Name of each client, and its text once all transactions have reached it. */
  readonly contents: readonly (readonly [client: string, content: string])[]
}

/**
 * Plays the history with one client per author, and further clients that only read. Rejects with {@link AppError}
 * `failed` if it can't go on.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { trace, watcherCount, signal } = options
  const clients = new Map<string, Workspace>()
  const connect = async (name: string): Promise<Workspace> => {
    const client = connectAs(options, name)
    clients.set(name, client)
    await abortable(client.whenSynced, signal)
    return client
  }
  try {
    const first = await connect('author 0')
    await prepareBlock(first, trace, signal)
    const authors = [first]
    for (let author = 1; author < trace.authorCount; author++) authors.push(await connect(`author ${author}`))
    for (let watcher = 0; watcher < watcherCount; watcher++) await connect(`watcher ${watcher}`)

    const sentByAuthor: SentTransaction[][] = authors.map(() => [])
    const deliveries = [...clients.values()].map(({ doc }) => new Delivery(doc, sentByAuthor))
    const { elapsedMs, durable } = await write(options, authors, sentByAuthor)
    const all = sentByAuthor.map((sent) => sent.length)
    for (const delivery of deliveries) await delivery.until(all, signal)
    const contents = [...clients].map(([name, { doc }]) => [name, contentOf(doc).toString()] as const)
    return { editCount: trace.transactions.length, elapsedMs, durable, contents }
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()))
  }
}

/** Text that a fresh client gets from the server. */
export async function readContent(
  options: Pick<ReplayOptions, 'url' | 'workspace' | 'token' | 'signal'>,
): Promise<string> {
  const client = connectAs(options, 'latecomer')
  try {
    await abortable(client.whenSynced, options.signal)
    return contentOf(client.doc).toString()
  } finally {
    await client.close()
  }
}

function connectAs(
  { url, workspace, token }: Pick<ReplayOptions, 'url' | 'workspace' | 'token'>,
  actor: string,
): Workspace {
  return connectWorkspace({ url, workspace, ...(token === undefined ? { actor } : { token }) })
}

async function prepareBlock(client: Workspace, trace: Trace, signal: AbortSignal): Promise<void> {
  if (getBlock(client.doc, BLOCK)) {
    throw new AppError(
      'usage',
      'the workspace has been replayed into before, and a replay needs a new one: name a new one with --workspace',
    )
  }
  const { content } = createBlock(client.doc, BLOCK, { type: 'text' })
  if (trace.startContent !== '') content.insert(0, trace.startContent)
  await abortable(client.whenDurable(), signal)
}

function contentOf(doc: Y.Doc): Y.Text {
  const block = getBlock(doc, BLOCK)
  if (!block)
    throw new AppError(
      'failed',
      `block ${BLOCK} of the workspace is gone, because another client has deleted it: replay into a new workspace`,
    )
  return block.content
}

async function write(
  { trace, speed, signal: outerSignal, onProgress }: ReplayOptions,
  clients: readonly Workspace[],
  sentByAuthor: readonly SentTransaction[][],
): Promise<Pick<ReplayResult, 'elapsedMs' | 'durable'>> {
  const clientIds = ascendingClientIds(clients.length)
  const durable = new Latencies()
  // The first failure stops every author, and the replay rejects with it.
  const stop = new AbortController()
  const signal = AbortSignal.any([outerSignal, stop.signal])
  const startedAtMs = performance.now()
  const pace = new Pace(speed)
  let editCount = 0

  const work = async (author: Author, client: Workspace, steps: readonly Step[]): Promise<void> => {
    const waiting: Promise<void>[] = []
    for (const [position, step] of steps.entries()) {
      const hasWaited = await pace.until(step.index, signal)
      await author.perform(step, signal)
      editCount++
      if (!hasWaited && position % BURST_EDITS !== 0) continue
      const doneAtMs = performance.now()
      const onDurable = (): void => durable.add(performance.now() - doneAtMs)
      waiting.push(client.whenDurable().then(onDurable, (error) => stop.abort(error)))
      onProgress(editCount)
      if (waiting.length > BURSTS_WAITING_MAX) await abortable(waiting.shift(), signal)
      await yieldToSockets()
    }
    await abortable(Promise.all([...waiting, client.whenDurable()]), signal)
  }

  await Promise.all(
    scheduleByAuthor(trace).map((steps, index) => {
      const client = clients[index]
      const clientId = clientIds[index]
      if (client === undefined || clientId === undefined) throw new RangeError(`no client for author ${index}`)
      const author = new Author({ author: index, sentByAuthor, connected: client.doc, clientId, textOf: contentOf })
      return work(author, client, steps).catch((error) => {
        stop.abort(error)
        throw error
      })
    }),
  )
  onProgress(editCount)
  return { elapsedMs: performance.now() - startedAtMs, durable }
}

/**
 * Random client ids, the smallest first. Yjs orders texts that were typed at the same place at the same moment by client
 * id; published histories order them by author.
 */
function ascendingClientIds(count: number): number[] {
  const ids = new Set<number>()
  while (ids.size < count) ids.add(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
  return [...ids].sort((a, b) => a - b)
}

function abortable<T>(promise: Promise<T> | T, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort)
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
