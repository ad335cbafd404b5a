import type { IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'
import { createApi, openServedTasks } from '@joinery/api'
import { defineDocumentRules } from '@joinery/blocks'
import { type LogObserver, openLevelStore, openMemoryStore } from '@joinery/log'
import { type Secrets, UPLOAD_SAGA, withoutSecrets } from '@joinery/resources'
import {
  AnnouncedIds,
  createAuthenticator,
  createServer,
  Quotas,
  Revocations,
  SERVER_LIMITS,
  type ServerLimits,
  type WorkspaceId,
} from '@joinery/server'
import { assertSingle } from './cluster/cluster-file.mts'
import { clusterOperator } from './cluster/cluster-operator.mts'
import { followFates } from './cluster/follow-fates.mts'
import { FollowTasks } from './cluster/follow-tasks.mts'
import type { ServedCluster } from './cluster/served-cluster.mts'
import { openDemonstration } from './demonstration.mts'
import { explainFailure } from './failure.mts'
import { openServedFiles } from './files/served-files.mts'
import { createFrontDoor, type Faces } from './front-door.mts'
import { openLogger } from './log-lines.mts'
import { ownTables, readLists } from './machines-file.mts'
import { startMemoryRelief } from './memory-relief.mts'
import { createMetrics } from './metrics.mts'
import { openControl } from './operations/control.mts'
import { roomAccess, storeOperator } from './operations/local-operator.mts'
import { openRevocations } from './operations/revocations-file.mts'
import { readQuotaUse, writeQuotaUse } from './quotas-file.mts'
import { readReadiness } from './readiness.mts'
import { secretVariables } from './resources/resource-worker.mts'
import { readServedResources } from './resources/serve-resources.mts'
import { openServedOutside } from './resources/served-outside.mts'
import { forgetOthers, openServedSearch } from './resources/served-search.mts'
import type { ServeConfig } from './serve-config.mts'
import { openServedHeads, readServedKey } from './serve-heads.mts'
import { readTabs, writeTabs } from './tabs-file.mts'
import { VERSION } from './version.mts'
import { announceSagas } from './work/announce-sagas.mts'
import { checkWorkFile } from './work/check-work-file.mts'
import { OwnWorker, type OwnWorkerOptions, ownWorkerToken, withOwnWorker } from './work/own-worker.mts'

/** Time between two lines of the log about a clock that was set back, ms. */
const CLOCK_SAID_MS = 60_000

/** A server that takes connections. */
export interface RunningServer {
  /** `http://host:port`; WebSockets connect to the same host and port. */
  readonly url: string
  /** Resolves with the reason when this process has to end, since another one has its place. */
  readonly replaced: Promise<string>
  /** Drains: disconnects clients, writes pending updates and releases the data directory. Rejects with {@link AppError} if one of these fails. */
  close(): Promise<void>
}

/** The address at which a process of this machine reaches a server that listens on all of its addresses. */
function loopbackOf(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/** The worker of `--work`, if there is one. */
function sagaWorker({ workFile }: ServeConfig): Pick<OwnWorkerOptions, 'args' | 'without'>[] {
  return workFile === undefined ? [] : [{ args: [workFile], without: secretVariables(process.env) }]
}

function connectionLimits({
  connectionsPerAddressMax,
  connectionsPerPrincipalMax,
  limits,
}: ServeConfig): Partial<ServerLimits> {
  return {
    ...limits.server,
    ...(connectionsPerAddressMax !== undefined && { connectionsPerAddressMax }),
    ...(connectionsPerPrincipalMax !== undefined && { connectionsPerPrincipalMax }),
  }
}

/**
 * Starts a server. This is the one place where implementations are chosen. Resolves when the server takes connections;
 * rejects with {@link AppError} `start` and one line that says what to do. Logs JSON lines to `logs`.
 */
export async function startServer(config: ServeConfig, logs: Writable): Promise<RunningServer> {
  let secrets: Pick<Secrets, 'redact'> | undefined
  const logger = openLogger(config.logLevel, logs, (line) => secrets?.redact(line) ?? line)
  try {
    const { dataDirectory: directory, durability } = config
    // Before the data is opened: a wrong file must not start a server.
    const lists = await readLists(config.machinesFile)
    const ownWork = config.workFile === undefined ? [] : await checkWorkFile(config.workFile)
    const resources = await readServedResources(config)
    secrets = resources?.file.secrets
    const fileStore = resources?.fileStore
    const signer = await readServedKey(config)
    const metrics = createMetrics()
    let clockSaidMs = Number.NEGATIVE_INFINITY
    const observer: LogObserver = {
      ...metrics.observer,
      clockBehind: (aheadMs) => {
        metrics.observer.clockBehind?.(aheadMs)
        if (performance.now() - clockSaidMs < CLOCK_SAID_MS) return
        clockSaidMs = performance.now()
        logger.warn({ aheadMs }, 'the clock was set back: times in the log run ahead of it until it has caught up')
      },
      manifestCut: (cut) =>
        logger.warn({ ...cut, directory }, 'power was lost: cut off the incomplete end of the database’s MANIFEST'),
    }
    const local =
      durability === 'memory'
        ? openMemoryStore({ observer })
        : await openLevelStore({ directory, durability, observer })
    let cluster: ServedCluster | undefined
    try {
      if (config.cluster === undefined && durability !== 'memory') await assertSingle(directory)
      if (config.cluster !== undefined) {
        const { cluster: place, isReplicated } = config
        // A single server does not pay for what it does not use.
        const { openServedCluster } = await import('./cluster/served-cluster.mts')
        cluster = await openServedCluster({ config: place, store: local, directory, isReplicated, logger })
      }
      const store = cluster?.node.store ?? local
      const isInMemory = durability === 'memory'
      const shared = cluster?.shared
      const revocations = isInMemory ? new Revocations() : await openRevocations(directory, shared?.shareRevocation)
      const quotas = new Quotas({
        limits: config.quotas,
        ...(!isInMemory && {
          known: await readQuotaUse(directory),
          save: (used) => writeQuotaUse(directory, used),
        }),
        ...(shared && { share: shared.shareUse }),
        onSaveFailed: (err) => logger.error({ err }, 'the use of quotas could not be saved'),
      })
      const announced = new AnnouncedIds({
        // Without keys nobody owns a client id.
        ...(!isInMemory &&
          config.keys && { known: await readTabs(directory), save: (tabs) => writeTabs(directory, tabs) }),
        ...(shared && config.keys && { share: shared.shareTabs }),
        onSaveFailed: (err) => logger.error({ err }, 'the connected tabs could not be saved'),
      })
      await shared?.follow({ revocations, quotas, announced })
      const workerToken = cluster?.workerToken ?? ownWorkerToken()
      const people = config.keys && createAuthenticator(config.keys, { revocations, jwks: config.limits.jwks })
      const authenticator = people && withOwnWorker(people, workerToken)
      let faces: Faces | undefined
      const server = createServer({
        host: config.host,
        port: config.port,
        store,
        ...(cluster && { ownership: cluster.node.ownership, placement: cluster.gateway }),
        rules: defineDocumentRules({ lists }),
        logger,
        keepHistory: config.keepHistory,
        request: createFrontDoor({ config, machines: ownTables(lists), filesOrigin: fileStore?.origin }, () => faces),
        insecure: config.isInsecure,
        limits: connectionLimits(config),
        revocations,
        quotas,
        announced,
        ...(authenticator && { authenticator }),
        ...(config.origins && { origins: config.origins }),
        base: config.page.base,
      })
      const ownSagas = [...(resources?.adapters ?? []), UPLOAD_SAGA]
      const ofTasks = await openServedTasks({
        server,
        store,
        lists,
        ownSagas,
        adapters: resources?.adapters ?? [],
        limits: config.limits.tasks,
        ...(cluster && { workspaceOfHash: cluster.workspaceOfHash }),
        logger,
      })
      const { tasks } = ofTasks
      await announceSagas(tasks, resources?.sagas ?? [])
      await announceSagas(tasks, ownWork).catch((err: unknown) =>
        logger.error({ err }, 'the sagas of --work are refused'),
      )
      const inbox = await resources?.openInbox({
        ...{ workspaces: server.workspaces, costs: server.costs, store, tasks, lists, logger, shared: cluster?.hooks },
      })
      const outgoing = await resources?.openOutbox({
        ...{ workspaces: server.workspaces, store, lists, logger, isShared: cluster !== undefined },
      })
      const outbox = outgoing?.outbox
      if (outbox !== undefined) await shared?.followSubscriptions(outbox)
      const outside = openServedOutside(resources?.file, server.workspaces)
      const signed = await openServedHeads(config, signer, server, logger)
      const search = openServedSearch({ config, file: resources?.file, environment: process.env })
      await forgetOthers(search, server.workspaces.names(), logger)
      server.workspaces.removeBeside((workspace) => search.forget(workspace))
      if (cluster !== undefined) followFates(cluster.node.store, { tasks, inbox, outbox, search })
      const files = await openServedFiles({
        config,
        server,
        tasks,
        log: store,
        workerToken,
        url: () => loopbackOf(server.url),
        limits: config.limits.files,
        ...(fileStore && { store: fileStore }),
        ...(cluster && { shared: cluster.files }),
        logger,
      })
      cluster?.node.store.releasePurged()
      const work = cluster?.shareWork(tasks.offers, ownSagas)
      const api = await createApi({
        lists,
        tasks,
        files: files.files,
        search: search.search,
        ownWork: { token: workerToken, sagas: ownSagas },
        redact: (text) => secrets?.redact(text) ?? withoutSecrets(text),
        ...(work && { sharedWork: work.give }),
        workspaces: server.workspaces,
        costs: server.costs,
        durability,
        revocations,
        logger,
        limits: config.limits.http,
        ...(signed && { heads: signed.heads }),
        ...(outside && { outside: outside.reads }),
        ...(outbox && { subscribed: outbox }),
        ...(cluster && { passOn: (request, response) => server.passOn(request, response) }),
        version: VERSION,
        ...(authenticator && { authenticator }),
        ...(config.origins && { origins: config.origins }),
      })
      metrics.watch(server, api, store, revocations)
      metrics.watchTasks(tasks)
      metrics.watchFiles(files, tasks)
      metrics.watchSearch(search)
      if (inbox !== undefined) metrics.watchHooks(inbox)
      if (outgoing !== undefined) metrics.watchOutbox(outgoing)
      if (outside !== undefined) metrics.watchOutside(outside.reads)
      if (signed !== undefined) metrics.watchHeads(signed.heads)
      if (cluster !== undefined && work !== undefined) metrics.watchCluster({ ...cluster, work, files })
      cluster?.releaseBy((workspace) => server.workspaces.release(workspace as WorkspaceId))
      const following = cluster && new FollowTasks({ ...cluster, tasks, outbox, logger })
      const relief = startMemoryRelief(server)
      const readiness = () => readReadiness(config, { server, store, tasks, cluster, outbox })
      const demonstration = await openDemonstration(config, server, search.embedding, logger)
      const always = { api, files, inbox, metrics, readiness, demonstration }
      faces = { ...always, control: undefined }
      await server.listen()
      files.resume()
      const loadLimits = { ...SERVER_LIMITS, ...config.limits.server }
      const access = roomAccess(server, tasks, store, revocations, loadLimits, { inbox, outbox })
      const served = storeOperator(directory, store, access)
      const copies = storeOperator(directory, local, access)
      const operator = cluster === undefined ? served : clusterOperator({ ...cluster, copies, served })
      const isOfNode = (request: IncomingMessage): boolean => cluster?.gateway.isPassed(request) === true
      const control =
        durability === 'memory'
          ? undefined
          : await openControl(server.url, { directory, operator, costs: server.costs, logger, isOfNode })
      faces = { ...always, control: control?.door }
      const workers = [...sagaWorker(config), ...(resources?.workerWith(search.vectors) ?? [])].map(
        (started) => new OwnWorker({ ...started, url: loopbackOf(server.url), token: workerToken, logger }),
      )
      logger.info({ url: server.url, version: VERSION, durability, directory }, 'listening')
      return {
        url: server.url,
        replaced: cluster?.replaced ?? new Promise(() => {}),
        close: async () => {
          logger.info('draining')
          clearInterval(relief)
          await following?.close()
          await cluster?.drain()
          try {
            await Promise.all([
              control?.close(),
              demonstration?.close(),
              ...workers.map((worker) => worker.close()),
              files.close(),
              search.close(),
              outside?.close(),
            ])
            await api.close()
            await ofTasks.close()
            await signed?.close()
            cluster?.stopPassing()
            // Closes the store even if the drain fails: nothing else would release the directory.
            await server
              .close()
              .finally(() => Promise.all([quotas.close(), announced.close()]).finally(() => (cluster ?? store).close()))
          } catch (error) {
            throw explainFailure(error, config)
          }
          logger.info('closed')
        },
      }
    } catch (error) {
      await (cluster ?? local).close()
      throw error
    }
  } catch (error) {
    throw explainFailure(error, config)
  }
}
