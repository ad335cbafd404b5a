import type { Command } from 'commander'
import { say } from '../say.mts'
import type { Options } from '../setting.mts'

/** Adds `joinery cluster status`, `check`, `drain`, `stepdown` and `rebuild` to the program. */
export function addClusterCommand(program: Command): void {
  const cluster = program.command('cluster').description('Look at a cluster, and move its work.')
  const add = (name: string, description: string): Command =>
    cluster
      .command(name)
      .description(description)
      .option('--cluster <list>', 'addresses of the NATS servers, or @FILE of JSON [JOINERY_CLUSTER]')
      .option('--copies <number>', 'copies that NATS keeps [JOINERY_CLUSTER_COPIES] (default: 3, or 1 with one server)')
      .option('--json', 'print JSON')
  add('status', 'List the nodes, the workspaces that each owns, and the leaders of the engine.').action(
    async (options: Options) => {
      const { clusterStatus } = await import('./cluster-commands.mts')
      say(await clusterStatus(options))
    },
  )
  add('check', 'Hold the copies of all nodes against the history; exits with 1 if one has other records.')
    .argument('[workspace]', 'its name')
    .option('--load', 'have each node make the documents, too, and compare them')
    .action(async (workspace: string | undefined, options: Options) => {
      const { checkCluster } = await import('./cluster-commands.mts')
      await checkCluster(workspace, options)
    })
  add('drain', 'Have a node give its workspaces to the others, without a loss; it goes on passing clients on.')
    .argument('<node>', 'its name')
    .action(async (node: string, options: Options) => {
      const { drainNode } = await import('./cluster-commands.mts')
      say(await drainNode(node, options))
    })
  add(
    'rebuild',
    'Have an engine that lost all data made anew from the nodes’ copies; prints the plan, and does it with --yes.',
  )
    .option('--data <dir>', 'data directory of a node, which names the cluster')
    .option('--nodes <list>', 'names of all nodes whose copies are needed')
    .option('--without <node>', 'wait for this node no longer')
    .option('--yes', 'do it')
    .action(async (options: Options) => {
      const { rebuildCluster } = await import('./rebuild-command.mts')
      say(await rebuildCluster(options))
    })
  add('stepdown', 'Have the engine choose other leaders, of one part of it or of all.')
    .argument('[part]', 'name of a stream, as status lists it')
    .action(async (part: string | undefined, options: Options) => {
      const { stepDown } = await import('./cluster-commands.mts')
      say(await stepDown(part, options))
    })
}
