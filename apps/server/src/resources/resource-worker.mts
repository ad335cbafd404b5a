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
  return [...openAdapters(file, place)].flatMap(([machine, adapter]) => {
    const table = machines.get(machine)
    if (table === undefined) throw new AppError('usage', `adapters.${machine}: there is no such machine`)
    return sagasOf({ adapter, machine: table, secrets: file.secrets })
  })
}

/** The adapters of a file, by machine. Throws {@link ResourceError} `misconfigured`, which names the field. */
export function openAdapters(
  { config, secrets }: ResourcesFile,
  place: WorkPlace | undefined,
): ReadonlyMap<string, ResourceAdapter> {
  const { JOINERY_EGRESS_ALLOW: egressAllow, JOINERY_EGRESS_PROXY: egressProxy } = process.env
  return new Map(
    config.adapters.map(({ machine, kind, config: given }) => [
      machine,
      kind.open(given, {
        ...{ machine, secrets },
        ...(egressAllow !== undefined && { egressAllow }),
        ...(place && { texts: textsFrom(place) }),
        ...(place?.vectors !== undefined && { vectors: new VectorStore(place.vectors) }),
        ...(egressProxy !== undefined && { egressProxy }),
      }),
    ]),
  )
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
