import { DiskStore, FILE_LIMITS, scopeOf, storeOf, VectorStore } from '@joinery/resources'
import { checkSecrets, readResourcesFile } from '../resources/resources-file.mts'
import { vectorsFolderOf } from '../resources/served-search.mts'
import { filesFolderOf } from './files-folder.mts'

/**
 * Removes the files of a workspace without a server, and its vectors: those in the data directory, and those in the bucket that the file of
 * `JOINERY_RESOURCES` names, if it is set. Rejects with what the store says.
 */
export async function removeFilesOf(
  directory: string,
  workspace: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const scope = scopeOf(workspace)
  const { ticketMs } = FILE_LIMITS
  await new DiskStore({ directory: filesFolderOf(directory), ticketMs }).removeScope(scope)
  await new VectorStore(vectorsFolderOf(directory)).forget(workspace)
  const path = environment.JOINERY_RESOURCES
  if (path === undefined || path === '') return
  const file = await readResourcesFile(path, environment)
  checkSecrets(file, true)
  if (file.config.files !== undefined) await storeOf(file.config.files, file.secrets, ticketMs).removeScope(scope)
}
