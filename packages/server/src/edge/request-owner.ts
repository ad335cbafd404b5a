import type { IncomingMessage } from 'node:http'
import { QUERY } from '@joinery/protocol'
import type { Authenticator } from '../identity.ts'
import { clientAddressOf } from './placement.ts'

const BEARER = /^Bearer +(\S+)$/i
const IN_QUERY = new RegExp(`[?&]${QUERY.token}=([^&#]*)`)

/**
 * The one whose turn a request or an upgrade takes: the actor of a token that is known, and otherwise the address. So those who were
 * let in before do not stand behind what others send without a token, or with tokens that nobody has checked.
 */
export function ownerOf(request: IncomingMessage, { actorOf }: Pick<Authenticator, 'actorOf'>): string {
  const token = actorOf === undefined ? undefined : tokenOf(request)
  const actor = token && actorOf?.(token)
  return actor === undefined ? `address ${clientAddressOf(request)}` : `actor ${actor}`
}

/** The token as clients send it: an encoded one is not found, and is then unknown. */
function tokenOf({ headers: { authorization }, url = '' }: IncomingMessage): string | undefined {
  return (authorization === undefined ? IN_QUERY.exec(url) : BEARER.exec(authorization))?.[1]
}
