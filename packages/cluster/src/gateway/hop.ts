import { createHmac, timingSafeEqual } from 'node:crypto'

/** Header of a request that one node passes on to another: the client's address, and a proof that a node of this cluster says so. */
export const HOP_HEADER = 'X-Joinery-Hop'

const FORM = /^1 ([0-9A-Fa-f.:%]{2,60}) ([A-Za-z0-9-]{1,80}) ([A-Za-z0-9_-]{43})$/

/** The parts of a passed request that its header proves. */
export interface Hop {
  /** Address of the client. */
  readonly client: string
  /** Run of the node that the request is passed to: no other run takes it. */
  readonly session: string
  readonly method: string
  /** Target in its origin form. */
  readonly target: string
}

export function hopHeader(secret: string, hop: Hop): string {
  return `1 ${hop.client} ${hop.session} ${proofOf(secret, hop)}`
}

/** The proven parts of a passed request; undefined if the header is none that a node of this cluster has made for it. */
export function readHop(secret: string, header: string, asked: Pick<Hop, 'method' | 'target'>): Hop | undefined {
  const [, client, session, proof] = FORM.exec(header) ?? []
  if (client === undefined || session === undefined || proof === undefined) return undefined
  const hop = { client, session, ...asked }
  return timingSafeEqual(Buffer.from(proof), Buffer.from(proofOf(secret, hop))) ? hop : undefined
}

function proofOf(secret: string, { client, session, method, target }: Hop): string {
  return createHmac('sha256', secret).update([client, session, method, target].join('\n')).digest('base64url')
}
