import { createHash, randomBytes } from 'node:crypto'
import type { Lease } from './lease.ts'

/** Bytes of the digest that binds a token to its server, workspace and name. It only chooses the message of a refusal. */
const BINDING_BYTES = 8
const TOKEN = /^l1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{11})$/

export function makeNonce(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * The token of a lease, which is opaque to its holder.
 *
 * @param generation id of the workspace's log of leases, which no other server and workspace has
 */
export function tokenOf({ nonce, name }: Pick<Lease, 'nonce' | 'name'>, generation: string): string {
  return `l1.${nonce}.${bindingOf(generation, name)}`
}

/** The nonce in a token; undefined for a text that is no token. */
export function nonceIn(token: string): string | undefined {
  return TOKEN.exec(token)?.[1]
}

/** Whether a token was made for this name. A caller that asks with the token of another lease is told so. */
export function isTokenFor(token: string, name: string, generation: string): boolean {
  return TOKEN.exec(token)?.[2] === bindingOf(generation, name)
}

function bindingOf(generation: string, name: string): string {
  return createHash('sha256').update(`${generation}\n${name}`).digest().subarray(0, BINDING_BYTES).toString('base64url')
}
