import { readFile } from 'node:fs/promises'
import { type ClaimList, claimListsWith, defineMachine, MACHINE_LIMITS, MACHINES, machinesOf } from '@joinery/blocks'
import { AppError } from './app-error.mts'

/**
 * The lists of claims of blocks, with the machines of an application. `file` holds a JSON list of tables; undefined for none. Throws
 * {@link AppError} `usage` that names the file and what is wrong in it.
 */
export async function readLists(file: string | undefined): Promise<readonly ClaimList[]> {
  if (file === undefined) return claimListsWith([])
  try {
    const tables: unknown = JSON.parse(await readFile(file, 'utf8'))
    const max = MACHINE_LIMITS.machinesMax - MACHINES.length
    if (!Array.isArray(tables) || tables.length > max)
      throw new TypeError(`it must hold a JSON list of at most ${max} tables`)
    return claimListsWith(tables.map((table) => defineMachine(table)))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('usage', `--machines ${file}: ${message}`, { cause })
  }
}

/** The tables of the machines that {@link readLists} has read, as JSON data for a page. */
export function ownTables(lists: readonly ClaimList[]): readonly object[] {
  const builtIn = new Set<string>(MACHINES.map(({ name }) => name))
  const machines = lists.flatMap((list) => [...(machinesOf(list)?.values() ?? [])])
  return machines.filter(({ name }) => !builtIn.has(name)).map(({ table }) => table)
}
