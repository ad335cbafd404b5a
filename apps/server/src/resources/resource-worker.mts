import { type ResourceAdapter, sagasOf, VectorStore, variableOf } from '@joinery/resources'
import type { Saga } from '@joinery/worker'
import { AppError } from '../app-error.mts'
import { type TextPlace, textsFrom } from './block-texts.mts'
import { checkSecrets, machinesOfAdapters, type ResourcesFile, readResourcesFile } from './resources-file.mts'

/** The place where a worker runs adapters. */
export interface WorkPlace extends TextPlace {
  /** Directory of the vectors of the server; undefined for a worker that does not share it. */
  readonly vectors: string | undefined
}

/** The sagas of the adapters that a file configures; without a place they are only announced. Rejects with {@link AppError} that names the field. */
export async function loadResourceSagas(
  path: string,
  machinesFile: string | undefined,
  place: WorkPlace | undefined,
): Promise<Saga[]> {
  const file = await readResourcesFile(path, process.env)
  checkSecrets(file, false)
  const machines = await machinesOfAdapters(file, machinesFile)
  const { JOINERY_EGRESS_ALLOW: egressAllow, JOINERY_EGRESS_PROXY: egressProxy } = process.env
  return file.config.adapters.flatMap(({ machine, kind, config }) => {
    const table = machines.get(machine)
    if (table === undefined) throw new AppError('usage', `adapters.${machine}: there is no such machine`)
    const adapter: ResourceAdapter = kind.open(config, {
      ...{ machine, secrets: file.secrets },
      ...(egressAllow !== undefined && { egressAllow }),
      ...(place && { texts: textsFrom(place) }),
      ...(place?.vectors !== undefined && { vectors: new VectorStore(place.vectors) }),
      ...(egressProxy !== undefined && { egressProxy }),
    })
    return sagasOf({ adapter, machine: table, secrets: file.secrets })
  })
}

/** The variables of the environment that hold secrets which no adapter reads: the adapters' worker does not get them. */
export function foreignSecrets({ config }: ResourcesFile, environment: NodeJS.ProcessEnv): string[] {
  const own = config.adapters.flatMap(({ kind, config: given }) => kind.secretsOf(given).map(variableOf))
  const mine = new Set(own.flatMap((variable) => [variable, `${variable}_FILE`]))
  return secretVariables(environment).filter((variable) => !mine.has(variable))
}

/** The variables of the environment that hold secrets, or name their files. */
export function secretVariables(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment).filter((variable) => variable.startsWith('JOINERY_SECRET_'))
}
