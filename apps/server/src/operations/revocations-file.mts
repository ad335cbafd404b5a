import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '@joinery/log'
import { writeDurably } from '@joinery/log/operations'
import { Revocations } from '@joinery/server'
import { z } from 'zod'

/** Name of the file in the data directory that keeps the revoked tokens over a restart. */
const FILE = 'REVOKED'

const contents = z.object({ revoked: z.array(z.object({ actor: z.string(), sinceMs: z.number() })) })

/**
 * Opens the revocations of a data directory. Each new one is on the disk before it resolves. Rejects with `corrupted` for a
 * file that can't be read: a server that ignored it would let revoked tokens in.
 */
export async function openRevocations(directory: string): Promise<Revocations> {
  return new Revocations({
    known: await read(directory),
    save: (revoked) => writeDurably(directory, FILE, `${JSON.stringify({ revoked })}\n`),
  })
}

async function read(directory: string): Promise<z.infer<typeof contents>['revoked']> {
  let text: string
  try {
    text = await readFile(join(directory, FILE), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  try {
    return contents.parse(JSON.parse(text)).revoked
  } catch (cause) {
    const message = `${join(directory, FILE)}, which keeps the revoked tokens, can't be read: restore the file from a copy, or remove it and revoke again`
    throw new LogError('corrupted', message, { cause })
  }
}
