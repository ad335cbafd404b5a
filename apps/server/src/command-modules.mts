import type { Command } from 'commander'

interface CommandModule {
  readonly names: readonly string[]
  readonly load: () => Promise<(program: Command) => void>
}

/** The commands that have a module of their own. A server's parts, which some of them load, take longer to load than most commands to run. */
export const COMMAND_MODULES: readonly CommandModule[] = [
  { names: ['keygen'], load: async () => (await import('./keygen-command.mts')).addKeygenCommand },
  { names: ['cluster'], load: async () => (await import('./cluster/add-cluster-command.mts')).addClusterCommand },
  { names: ['work'], load: async () => (await import('./work/add-work-command.mts')).addWorkCommand },
  { names: ['embed'], load: async () => (await import('./embed/add-embed-command.mts')).addEmbedCommand },
  { names: ['replay'], load: async () => (await import('./replay/add-replay-command.mts')).addReplayCommand },
  { names: ['verify'], load: async () => (await import('./operations/verify-command.mts')).addVerifyCommand },
  { names: ['inspect'], load: async () => (await import('./operations/inspect-command.mts')).addInspectCommand },
  { names: ['history'], load: async () => (await import('./operations/history-command.mts')).addHistoryCommand },
  { names: ['compact'], load: async () => (await import('./operations/compact-command.mts')).addCompactCommand },
  {
    names: ['backup', 'restore', 'export'],
    load: async () => (await import('./operations/archive-commands.mts')).addArchiveCommands,
  },
  { names: ['import'], load: async () => (await import('./operations/import-command.mts')).addImportCommand },
  {
    names: ['delete', 'undelete', 'purge'],
    load: async () => (await import('./operations/removal-commands.mts')).addRemovalCommands,
  },
  { names: ['leases'], load: async () => (await import('./operations/leases-command.mts')).addLeasesCommand },
  { names: ['tasks'], load: async () => (await import('./operations/tasks-command.mts')).addTasksCommand },
  { names: ['hooks'], load: async () => (await import('./operations/hooks-command.mts')).addHooksCommand },
  { names: ['repair'], load: async () => (await import('./operations/repair-command.mts')).addRepairCommand },
  { names: ['revoke'], load: async () => (await import('./operations/revoke-command.mts')).addRevokeCommand },
]

/**
 * Adds the command of that name to the program, and loads no other. Adds all commands if the program and the modules have
 * none of that name, for help and for the advice on a mistyped name.
 */
export async function addCommand(program: Command, called: string | undefined): Promise<void> {
  if (program.commands.some((command) => command.name() === called)) return
  const theirs = COMMAND_MODULES.filter(({ names }) => called !== undefined && names.includes(called))
  const wanted = theirs.length > 0 ? theirs : COMMAND_MODULES
  for (const add of await Promise.all(wanted.map(({ load }) => load()))) add(program)
}
