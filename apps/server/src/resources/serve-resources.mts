import type { TaskEngine } from '@joinery/tasks'
import type { ServeConfig } from '../serve-config.mts'
import type { OwnWorkerOptions } from '../work/own-worker.mts'
import { foreignSecrets, loadResourceSagas } from './resource-worker.mts'
import { machinesOfAdapters, readResourcesFile } from './resources-file.mts'

/** The resources of a server, as its configuration has them. */
export interface ServedResources {
  /** Names of the machines that have an adapter. */
  readonly adapters: readonly string[]
  /**
   * Tells the tasks of the adapters' sagas, as the worker will once it has started: a run that somebody starts before it does is not
   * refused.
   */
  announce(tasks: Pick<TaskEngine, 'lease'>): Promise<void>
  /** The worker that runs the adapters; none without adapters. */
  readonly worker: readonly Pick<OwnWorkerOptions, 'args' | 'without'>[]
}

/** Reads the file of `--resources`. Undefined without one. Throws {@link AppError} `usage` that names the field. */
export async function readServedResources(config: ServeConfig): Promise<ServedResources | undefined> {
  const { resourcesFile, machinesFile } = config
  if (resourcesFile === undefined) return undefined
  const file = await readResourcesFile(resourcesFile, process.env)
  const adapters = [...(await machinesOfAdapters(file, machinesFile)).keys()]
  const machines = machinesFile === undefined ? [] : ['--machines', machinesFile]
  const args = ['--resources', resourcesFile, ...machines]
  const sagas = await loadResourceSagas(resourcesFile, machinesFile)
  const announce = async (tasks: Pick<TaskEngine, 'lease'>): Promise<void> => {
    if (sagas.length === 0) return
    const serves = sagas.map(({ shape }) => shape)
    // A worker that may run nothing: it only announces.
    await tasks.lease({ worker: 'server', serves, max: 1, waitMs: 0 }, () => false, AbortSignal.abort())
  }
  return {
    announce,
    adapters,
    worker: adapters.length === 0 ? [] : [{ args, without: foreignSecrets(file, process.env) }],
  }
}
