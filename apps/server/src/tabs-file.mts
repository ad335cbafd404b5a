import { writeDurably } from '@joinery/log/operations'
import type { KeptTab } from '@joinery/server'
import { z } from 'zod'
import { readStateFile } from './operations/state-file.mts'

/** Name of the file in the data directory that keeps over a restart which tabs are connected, and as whom. */
const FILE = 'TABS'

const contents = z.object({
  tabs: z.array(
    z.object({ workspace: z.string(), client: z.number().int().min(0), actor: z.string(), address: z.string() }),
  ),
})

/** The tabs when the directory was last written. Rejects with `corrupted` for a file that can't be read. */
export async function readTabs(directory: string): Promise<readonly KeptTab[]> {
  const tabs = await readStateFile(directory, {
    name: FILE,
    parse: (text) => contents.parse(JSON.parse(text)).tabs,
    holds: 'tells which tabs were connected',
    advice: 'remove it, and a tab that signs in as somebody else during a restart has to be loaded again',
  })
  return tabs ?? []
}

export function writeTabs(directory: string, tabs: readonly KeptTab[]): Promise<void> {
  return writeDurably(directory, FILE, `${JSON.stringify({ tabs })}\n`)
}
