import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { startWorker, WorkerError, type WorkerEvent } from '@joinery/worker'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { loadResourceSagas } from '../resources/resource-worker.mts'
import { type Environment, type Options, readSetting, type Setting, wholeNumber } from '../setting.mts'
import type { SaidSagas } from './check-work-file.mts'
import { loadWorkFile, type WorkFile } from './work-file.mts'

const url: Setting<string> = {
  option: 'url',
  rule: 'the address of a server, as http://host:port',
  example: 'http://127.0.0.1:1234',
  schema: z
    .string()
    .default('http://127.0.0.1:1234')
    .transform((text) => text.replace(/^ws(?=s?:)/, 'http'))
    .refine((text) => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '')),
}

const token: Setting<string | undefined> = {
  option: 'token',
  variable: 'JOINERY_TOKEN',
  rule: 'a token whose claim "work" names the sagas',
  example: '"$TOKEN"',
  schema: z.string().min(1).optional(),
}

const name: Setting<string | undefined> = {
  option: 'name',
  rule: 'a name of 1 to 128 characters, which no other worker has',
  example: 'worker-1',
  schema: z.string().min(1).max(128).optional(),
}

const concurrency: Setting<number> = {
  option: 'concurrency',
  rule: 'a whole number from 1 to 100',
  example: '16',
  schema: wholeNumber(1, 100).default(16),
}

/**
 * Runs the sagas of a file until `stopped` resolves. Rejects with {@link AppError}: `start` for a file without sagas, `failed` when the
 * server refuses the worker.
 */
export async function runWorker(
  file: string | undefined,
  options: Options,
  environment: Environment,
  stopped: Promise<unknown>,
): Promise<void> {
  const settings = {
    url: readSetting(url, options, environment),
    token: readSetting(token, options, environment),
    name: readSetting(name, options, environment),
    concurrency: readSetting(concurrency, options, environment),
  }
  const { sagas, resources } =
    file === undefined ? await loadAdapters(options, settings) : await loadWorkFile(resolve(file))
  try {
    const worker = startWorker({ ...settings, sagas, resources, onEvent: (event) => tell(event, settings.url, sagas) })
    await Promise.race([stopped, worker.ended])
    await worker.stop()
  } catch (error) {
    if (error instanceof WorkerError) throw new AppError('failed', error.message, { cause: error })
    throw error
  }
}

/** The sagas of the adapters that a file of resources configures. */
async function loadAdapters(
  { resources, machines, vectors: given }: Options,
  { url: server, token: bearer }: { readonly url: string; readonly token: string | undefined },
): Promise<WorkFile> {
  const vectors = given === undefined ? undefined : resolve(String(given))
  const place = { url: server.replace(/\/+$/, ''), token: bearer, vectors }
  const machinesFile = machines === undefined ? undefined : resolve(String(machines))
  return { sagas: await loadResourceSagas(resolve(String(resources)), machinesFile, place), resources: {} }
}

/**
 * Loads the sagas of a file and says which they are, to the server that has started this process, too. Rejects with {@link AppError}
 * `start` for a file without sagas.
 */
export async function checkSagas(file: string): Promise<void> {
  const { sagas } = await loadWorkFile(resolve(file))
  const said: SaidSagas = { sagas: sagas.map(({ shape }) => shape) }
  if (process.send !== undefined) await promisify<unknown, void>(process.send.bind(process))(said)
  console.log(`joinery can run: ${namesOf(sagas)}`)
}

/** Tells people what they have to know: stdout says when work is taken, stderr says what fails. */
function tell(event: WorkerEvent, address: string, sagas: WorkFile['sagas']): void {
  if (event.type === 'connected') {
    console.log(`joinery working on ${address}: ${namesOf(sagas)}`)
  } else if (event.type === 'disconnected') {
    const { error, retryMs } = event
    console.error(`joinery: ${error instanceof Error ? error.message : String(error)}; asking again in ${retryMs} ms`)
  } else if (event.type === 'ended' && event.end !== 'done') {
    const { task, kind, step, item, attempt } = event.lease
    const what = `${task} ${kind} ${step ?? 'of the task'}${item === undefined ? '' : `/${item.key}`} (attempt ${attempt})`
    const why = event.end === 'failed' ? `${event.failed.class}: ${event.failed.error}` : event.end
    console.error(`joinery: ${what} ${why}`)
  }
}

function namesOf(sagas: WorkFile['sagas']): string {
  return sagas.map(({ name, version }) => `${name}@${version}`).join(', ')
}
