import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isSaga, type Saga } from '@joinery/worker'
import { AppError } from '../app-error.mts'

/** Packages that a file of sagas may import although its folder has no packages of its own. */
const SHARED = /^(@joinery\/(worker|client|protocol)|zod)$/

/**
 * Loads the sagas that a file exports by default: a list, or one saga. The file is JavaScript, or TypeScript without syntax of its
 * own. Rejects with {@link AppError} `start` that names the file and what is wrong.
 */
export async function loadSagas(path: string): Promise<readonly Saga[]> {
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
  const exported = await importDefault(path)
  const sagas = Array.isArray(exported) ? exported : [exported]
  if (sagas.length > 0 && sagas.every(isSaga)) return sagas
  throw new AppError(
    'start',
    `${path} must export a list of sagas by default: export default [defineSaga({ … })], with defineSaga of @joinery/worker`,
  )
}

async function importDefault(path: string): Promise<unknown> {
  try {
    const { default: exported }: { default?: unknown } = await import(pathToFileURL(path).href)
    return exported
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('start', `${path} can't be loaded: ${message.split('\n', 1)[0]}`, { cause })
  }
}
