import { canonicalJson, type JsonObject } from '../json.ts'
import { sha256 } from '../sha256.ts'
import type { Machine } from './machine.ts'

const digests = new WeakMap<Machine, string>()

/**
 * The first 128 bits of the SHA-256 of a machine's table, in hexadecimal digits. Two tables of one digest rank all claims alike,
 * and take the same claims.
 */
export function machineDigest(machine: Machine): string {
  const known = digests.get(machine)
  if (known !== undefined) return known
  const { phases, results, failures, only, stalls, starts, ranks, sources, name } = machine.table
  const sorted = (words: readonly string[] | undefined): string[] => [...(words ?? [])].sort()
  const subject: JsonObject = {
    name,
    ranks,
    // The first is the usual one; the others have no order.
    starts: [...starts.slice(0, 1), ...sorted(starts.slice(1))],
    phases: phases.map(sorted),
    sources,
    results: sorted(results),
    failures: sorted(failures),
    stalls: sorted(stalls),
    only: Object.fromEntries(Object.entries(only).map(([status, said]) => [status, sorted(said)])),
  }
  const hash = sha256(new TextEncoder().encode(canonicalJson(subject))).slice(0, 16)
  const digest = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  digests.set(machine, digest)
  return digest
}

/** The digests of several machines by their names. */
export function digestsOf(machines: readonly Machine[]): Record<string, string> {
  return Object.fromEntries(machines.map((machine) => [machine.name, machineDigest(machine)]))
}
