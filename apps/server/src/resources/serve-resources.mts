import type { ClaimList } from '@joinery/blocks'
import type { EventStore } from '@joinery/log'
import { parseWorkspaceName, type SagaShape } from '@joinery/protocol'
import { Egress, FILE_LIMITS, type FileStore, Inbox, type Outbox, ResourceError, storeOf } from '@joinery/resources'
import { type Costs, endpointPayer, ServerError, type Workspaces } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import type { Logger } from 'pino'
import { AppError } from '../app-error.mts'
import type { SharedHooks } from '../cluster/shared-hooks.mts'
import type { ServeConfig } from '../serve-config.mts'
import type { OwnWorkerOptions } from '../work/own-worker.mts'
import { learnIds } from './learn-ids.mts'
import { foreignSecrets, loadResourceSagas } from './resource-worker.mts'
import { checkSecrets, machinesOfAdapters, type ResourcesFile, readResourcesFile } from './resources-file.mts'
import { type OutboxPlace, openServedOutbox } from './serve-outbox.mts'

/** The parts of a server that an inbox of webhooks stands on. */
export interface InboxPlace {
  readonly workspaces: Workspaces
  readonly store: Pick<EventStore, 'atomically'>
  readonly tasks: TaskEngine
  readonly lists: readonly ClaimList[]
  readonly costs: Costs
  /** The inboxes of the other nodes of a cluster. */
  readonly shared?: SharedHooks | undefined
  readonly logger: Logger
}

/** The resources of a server, as its configuration has them. */
export interface ServedResources {
  /** Names of the machines that have an adapter. */
  readonly adapters: readonly string[]
  /** The sagas of the adapters, as their worker will announce them. */
  readonly sagas: readonly SagaShape[]
  /** Opens the inbox of webhooks. Resolves with undefined if the file has no endpoints. */
  openInbox(place: InboxPlace): Promise<Inbox | undefined>
  /** The file, as it was read. */
  readonly file: ResourcesFile
  /** Opens the outbound webhooks: those of the file, and those that operators put while the server runs. */
  openOutbox(place: OutboxPlace): Promise<{ readonly outbox: Outbox; readonly egress: Egress }>
  /** The bucket for uploaded files; undefined if they are on the disk. */
  readonly fileStore: FileStore | undefined
  /** The worker that runs the adapters; none without adapters. `vectors` is the directory of vectors that it shares. */
  workerWith(vectors: string | undefined): readonly Pick<OwnWorkerOptions, 'args' | 'without'>[]
}

/** Reads the file of `--resources`. Undefined without one. Throws {@link AppError} `usage` that names the field. */
export async function readServedResources(config: ServeConfig): Promise<ServedResources | undefined> {
  const { resourcesFile, machinesFile } = config
  if (resourcesFile === undefined) return undefined
  const file = await readResourcesFile(resourcesFile, process.env)
  checkSecrets(file, true)
  const adapters = [...(await machinesOfAdapters(file, machinesFile)).keys()]
  const machines = machinesFile === undefined ? [] : ['--machines', machinesFile]
  const args = ['--resources', resourcesFile, ...machines]
  const sagas = await loadResourceSagas(resourcesFile, machinesFile, undefined)
  const openInbox = async ({
    workspaces,
    store,
    tasks,
    lists,
    costs,
    shared,
    logger,
  }: InboxPlace): Promise<Inbox | undefined> => {
    if (Object.keys(file.config.hooks).length === 0) return undefined
    const own = { tasks, hasWorkspace: (name: string) => hasWorkspace(workspaces, name) }
    const inbox = await Inbox.open({
      ...{ endpoints: file.config.hooks, secrets: file.secrets, logger },
      ...(shared?.partsFor(own) ?? own),
      adapters: new Map(file.config.adapters.map((adapter) => [adapter.machine, adapter])),
      openLog: (name, release) => workspaces.openSystemLog(name, release),
      atomically: (work) => store.atomically(work),
      costs: {
        book: (endpoint, sinceMs) => void costs.book(payerOf(endpoint), sinceMs),
        restOf: (endpoint) => costs.restOf(payerOf(endpoint)),
      },
    })
    shared?.share(inbox)
    // For as long as the server lives.
    learnIds({
      inbox,
      workspaces,
      lists,
      machines: new Set(Object.values(file.config.hooks).map((hook) => hook.machine)),
      onTaken: shared?.onTaken,
    })
    workspaces.removeBeside((workspace) => inbox.forget(workspace))
    return inbox
  }
  const { subscriptions } = file.config
  const egress = egressFor(file)
  const openOutbox: ServedResources['openOutbox'] = async (place) => {
    return { egress, outbox: await openServedOutbox({ subscriptions, secrets: file.secrets, egress }, place) }
  }
  const { ticketMs } = { ...FILE_LIMITS, ...config.limits.files }
  const { files } = file.config
  return {
    file,
    openInbox,
    openOutbox,
    fileStore: files && storeOf(files, file.secrets, ticketMs),
    sagas: sagas.map(({ shape }) => shape),
    adapters,
    workerWith: (vectors) => {
      if (adapters.length === 0) return []
      const shared = vectors === undefined ? [] : ['--vectors', vectors]
      return [{ args: [...args, ...shared], without: foreignSecrets(file, process.env) }]
    },
  }
}

async function hasWorkspace(workspaces: Workspaces, text: string): Promise<boolean> {
  const name = parseWorkspaceName(text)
  if (name === undefined) return false
  try {
    return (await workspaces.position(name)).generation !== undefined
  } catch (error) {
    if (error instanceof ServerError && error.code === 'workspace_deleted') return false
    throw error
  }
}

/** The client of subscriptions. Throws {@link AppError} `usage` that names the subscription whose URL is never called. */
function egressFor({ path, config }: ResourcesFile): Egress {
  const allow = process.env.JOINERY_EGRESS_ALLOW
  let field = 'JOINERY_EGRESS_ALLOW, JOINERY_EGRESS_PROXY'
  try {
    const proxy = process.env.JOINERY_EGRESS_PROXY
    const egress = new Egress({ ...(allow !== undefined && { allow }), ...(proxy !== undefined && { proxy }) })
    for (const [name, { url }] of Object.entries(config.subscriptions)) {
      field = `subscriptions.${name}.url`
      egress.check(url)
    }
    return egress
  } catch (cause) {
    if (!(cause instanceof ResourceError)) throw cause
    throw new AppError('usage', `--resources ${path}: ${field}: ${cause.message}`, { cause })
  }
}

/** The payer of an endpoint's requests. They are for no workspace before they are read. */
function payerOf(endpoint: string): { readonly principal: string; readonly workspace: undefined } {
  return { principal: endpointPayer(endpoint), workspace: undefined }
}
