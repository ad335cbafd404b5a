import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '@joinery/log'
import { writeDurably } from '@joinery/log/operations'
import type { QuotaUse } from '@joinery/server'
import { z } from 'zod'

/** Name of the file in the data directory that keeps what each principal has used over a restart. */
const FILE = 'QUOTAS'

const count = z.number().int().min(0)
const contents = z.object({
  used: z.array(z.object({ principal: z.string(), workspaces: count, keys: count, day: count, bytes: count })),
})

/** The use of each principal when the directory was last written. Rejects with `corrupted` for a file that can't be read. */
export async function readQuotaUse(directory: string): Promise<readonly QuotaUse[]> {
  let text: string
  try {
    text = await readFile(join(directory, FILE), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  try {
    return contents.parse(JSON.parse(text)).used
  } catch (cause) {
    const message = `${join(directory, FILE)}, which counts the use of quotas, can't be read: remove it, and the counts begin anew`
    throw new LogError('corrupted', message, { cause })
  }
}

export function writeQuotaUse(directory: string, used: readonly QuotaUse[]): Promise<void> {
  return writeDurably(directory, FILE, `${JSON.stringify({ used })}\n`)
}
