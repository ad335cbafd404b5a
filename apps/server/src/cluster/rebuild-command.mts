import {
  askForRebuild,
  type Engine,
  enterIdentity,
  identityOf,
  makeIdentity,
  readRebuild,
  rebuildWithout,
} from '@joinery/cluster'
import { AppError } from '../app-error.mts'
import type { Options } from '../setting.mts'
import { withEngine } from './cluster-commands.mts'
import { readCluster } from './cluster-file.mts'

/**
 * Has an engine that has lost all of its data made anew from the nodes' copies. Without `--yes` it says what would be done. Rejects with
 * {@link AppError} `failed`, which says what is needed.
 */
export function rebuildCluster(options: Options): Promise<string> {
  return withEngine(options, async (engine) => {
    const asked = await readRebuild(engine)
    if (asked !== undefined) return await goOnWithout(engine, asked.nodes, options)
    const found = await identityOf(engine)
    if (found !== undefined) {
      throw new AppError('failed', `the engine has the data of the cluster ${found.id}: nothing has to be made anew`)
    }
    const { data, nodes: list } = options
    const nodes = typeof list === 'string' ? list.split(',').filter((name) => name !== '') : []
    const id = typeof data === 'string' ? await readCluster(data) : undefined
    if (id === undefined || nodes.length === 0) {
      const message =
        'the engine has no data of a cluster: name the data directory of a node with --data, and all nodes whose copies are needed with --nodes'
      throw new AppError('failed', message)
    }
    const plan = [
      `${engine.name} has no data of a cluster. It gets the name ${id} again.`,
      `Then start the nodes ${nodes.join(', ')}. Once all of them are there, each publishes what it has, the longest copy of each log first of all.`,
      'Logs that the engine has nothing of are opened from then on. Nothing is cut off where two copies differ.',
    ]
    if (options.yes !== true) return tell(options, plan)
    // In this order: a node that finds the name finds what it has to wait for, too.
    await askForRebuild(engine, nodes)
    await enterIdentity(engine, makeIdentity(id))
    return tell(options, plan, 'Done: start the nodes now.')
  })
}

async function goOnWithout(engine: Engine, nodes: readonly string[], options: Options): Promise<string> {
  const { without } = options
  const needed = `The engine is being made anew from the copies of ${nodes.join(', ')}.`
  if (typeof without !== 'string')
    return tell(options, [needed, 'A node that is gone for good is given up with --without NODE.'])
  if (!nodes.includes(without)) throw new AppError('failed', `${needed} ${without} is none of them`)
  const plan = [
    needed,
    `${without} is waited for no longer: edits that it alone has stay on its disk, and are not served.`,
  ]
  if (options.yes !== true) return tell(options, plan)
  await rebuildWithout(engine, without)
  return tell(options, plan, 'Done.')
}

function tell({ json }: Options, plan: readonly string[], done?: string): string {
  if (json === true) return JSON.stringify({ plan, done: done !== undefined })
  return [...plan, done ?? 'Nothing was done: repeat it with --yes.'].join('\n')
}
