import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { addCommand, COMMAND_MODULES } from './command-modules.mts'

const names = (program: Command) => program.commands.map((command) => command.name())

describe('the modules of commands', () => {
  it.each(COMMAND_MODULES)('[A135] $names are added by their own module, and no other commands are', async (module) => {
    for (const name of module.names) {
      const program = new Command()
      await addCommand(program, name)
      expect(names(program)).toEqual(module.names)
    }
  })

  it('[A135] all are added for help and for a mistyped name, none for a command that the program has', async () => {
    const all = COMMAND_MODULES.flatMap((module) => module.names)
    for (const called of [undefined, 'help', 'sreve']) {
      const program = new Command()
      await addCommand(program, called)
      expect(names(program)).toEqual(all)
    }
    const program = new Command()
    program.command('serve')
    await addCommand(program, 'serve')
    expect(names(program)).toEqual(['serve'])
  })
})
