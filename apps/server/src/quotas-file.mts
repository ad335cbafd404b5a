import { writeDurably } from '@joinery/log/operations'
import type { QuotaUse } from '@joinery/server'
import { z } from 'zod'
import { readStateFile } from './operations/state-file.mts'

/** Name of the file in the data directory that keeps what each principal has used over a restart. */
const FILE = 'QUOTAS'

const count = z.number().int().min(0)
const contents = z.object({
  used: z.array(z.object({ principal: z.string(), workspaces: count, keys: count, day: count, bytes: count })),
})

/** The use of each principal when the directory was last written. Rejects with `corrupted` for a file that can't be read. */
export async function readQuotaUse(directory: string): Promise<readonly QuotaUse[]> {
  const used = await readStateFile(directory, {
    name: FILE,
    parse: (text) => contents.parse(JSON.parse(text)).used,
    holds: 'counts the use of quotas',
    advice: 'remove it, and the counts begin anew',
  })
  return used ?? []
}

export function writeQuotaUse(directory: string, used: readonly QuotaUse[]): Promise<void> {
  return writeDurably(directory, FILE, `${JSON.stringify({ used })}\n`)
}
