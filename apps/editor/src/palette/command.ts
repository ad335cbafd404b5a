/** Something that the palette does. */
export interface Command {
  readonly id: string
  readonly name: string
  /** Keys that do the same, as words; undefined if there are none. */
  readonly keys?: string
  readonly act: () => void
}

/** The commands that have every word of `query` in their name, those that begin with it first. All of them for an empty query. */
export function matchingCommands(commands: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const isMatch = ({ name }: Command): boolean => words.every((word) => name.toLowerCase().includes(word))
  const begins = ({ name }: Command): boolean => name.toLowerCase().startsWith(words.join(' '))
  const found = commands.filter(isMatch)
  return [...found.filter(begins), ...found.filter((command) => !begins(command))]
}
