import { ClusterError } from './cluster-error.ts'

const NODE = /^[A-Za-z0-9_-]{1,64}$/

/** Returns the name of a node. Throws `invalid`. */
export function checkNode(name: string): string {
  if (NODE.test(name)) return name
  throw new ClusterError('invalid', 'the name of a node has 1 to 64 characters of A–Z, a–z, 0–9, - and _')
}

/** A name of any characters as the engine's subjects and keys take it: base64url of its UTF-8. Reversible. */
export function engineNameOf(name: string): string {
  return Buffer.from(name).toString('base64url')
}

export function nameOfEngineName(name: string): string {
  return Buffer.from(name, 'base64url').toString()
}
