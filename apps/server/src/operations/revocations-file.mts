import { writeDurably } from '@joinery/log/operations'
import { type Revocation, Revocations, type RevocationsOptions } from '@joinery/server'
import { z } from 'zod'
import { readStateFile } from './state-file.mts'

/** Name of the file in the data directory that keeps the revoked tokens over a restart. */
const FILE = 'REVOKED'

type Revoked = readonly Revocation[]

const contents = z.object({ revoked: z.array(z.object({ actor: z.string(), sinceMs: z.number() })) })

/**
 * Opens the revocations of a data directory. Each new one is on the disk before it resolves. Rejects with `corrupted` for a
 * file that can't be read: a server that ignored it would let revoked tokens in. `share` tells the other nodes of a cluster.
 */
export async function openRevocations(directory: string, share?: RevocationsOptions['share']): Promise<Revocations> {
  return new Revocations({
    known: await read(directory),
    save: (revoked) => writeRevoked(directory, revoked),
    ...(share && { share }),
  })
}

/** The revocations of a data directory as text, for an archive; undefined when there are none. Rejects as {@link openRevocations}. */
export async function revokedText(directory: string): Promise<string | undefined> {
  const revoked = await read(directory)
  return revoked.length === 0 ? undefined : encode(revoked)
}

/** Reads what {@link revokedText} gave. */
export function parseRevoked(text: string): Revoked {
  return contents.parse(JSON.parse(text)).revoked
}

/** Keeps revocations in a data directory, the later of two for one actor. Writes no file when there are none. */
export async function keepRevoked(directory: string, all: Iterable<Revocation>): Promise<void> {
  const sinceMs = new Map<string, number>()
  for (const each of all) sinceMs.set(each.actor, Math.max(each.sinceMs, sinceMs.get(each.actor) ?? each.sinceMs))
  if (sinceMs.size === 0) return
  await writeRevoked(
    directory,
    Array.from(sinceMs, ([actor, since]) => ({ actor, sinceMs: since })),
  )
}

function writeRevoked(directory: string, revoked: Revoked): Promise<void> {
  return writeDurably(directory, FILE, encode(revoked))
}

function encode(revoked: Revoked): string {
  return `${JSON.stringify({ revoked })}\n`
}

async function read(directory: string): Promise<Revoked> {
  const revoked = await readStateFile(directory, {
    name: FILE,
    parse: parseRevoked,
    holds: 'keeps the revoked tokens',
    advice: 'restore the file from a copy, or remove it and revoke again',
  })
  return revoked ?? []
}
