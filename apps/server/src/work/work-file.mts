import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isSaga, type Resources, type Saga } from '@joinery/worker'
import { AppError } from '../app-error.mts'

/** Packages that a file of sagas may import although its folder has no packages of its own. */
const SHARED = /^(@joinery\/(worker|client|protocol)|zod)$/

/** The exports of a file of sagas. */
export interface WorkFile {
  readonly sagas: readonly Saga[]
  /** Its export `resources`: adapters, which every step is given. */
  readonly resources: Resources
}

/**
 * Loads the sagas that a file exports by default: a list, or one saga. The file is JavaScript, or TypeScript without syntax of its
 * own. Rejects with {@link AppError} `start` that names the file and what is wrong.
 */
export async function loadWorkFile(path: string): Promise<WorkFile> {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!SHARED.test(specifier)) throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
  const { default: exported, resources = {} } = await importFile(path)
  const sagas = Array.isArray(exported) ? exported : [exported]
  if (typeof resources !== 'object' || resources === null) {
    throw new AppError('start', `${path}: the export "resources" must be an object of adapters by their names`)
  }
  if (sagas.length > 0 && sagas.every(isSaga)) return { sagas, resources: resources as Resources }
  throw new AppError(
    'start',
    `${path} must export a list of sagas by default: export default [defineSaga({ … })], with defineSaga of @joinery/worker`,
  )
}

async function importFile(path: string): Promise<{ default?: unknown; resources?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('start', `${path} can't be loaded: ${message.split('\n', 1)[0]}`, { cause })
  }
}
