import type { LogRecord } from '@joinery/server'

/** Ids of the blocks that a record has changed, each once. Edges and other roots are left out where their paths tell. */
export function blocksIn({ touched }: Pick<LogRecord, 'touched'>): string[] {
  const blocks = new Set<string>()
  for (const path of touched) if (!path.startsWith('edges/')) blocks.add(path.split('/', 1)[0] ?? path)
  return [...blocks]
}
