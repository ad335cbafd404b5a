/** Why an update may not be applied: the wire's rejection codes as far as documents are concerned. */
export type BlocksRefusalCode =
  | 'bad_update'
  | 'forbidden_actor'
  | 'forbidden_source'
  | 'bad_claim'
  | 'foreign_run'
  | 'forged_skeleton'
  | 'client_id_owned'
  | 'too_deep'
  | 'forbidden_key'

export interface BlocksRefusal {
  readonly code: BlocksRefusalCode
  /** What is wrong and what to do, for the person who reads the client's log. */
  readonly reason: string
}

/** Who sends an update, as far as the rules care. */
export interface BlocksWriter {
  readonly actor: string
  readonly source: string
  /** Sources it may speak for; undefined for any. */
  readonly sources: readonly string[] | undefined
  /** False in development mode: claims may name any actor and client ids have no owners. */
  readonly isAuthenticated: boolean
  /** What it sends may be what others wrote and the server has lost: then nobody comes to own a client id by it. */
  readonly mayRelay?: boolean
}

export function refuse(code: BlocksRefusalCode, reason: string): BlocksRefusal {
  return { code, reason }
}
