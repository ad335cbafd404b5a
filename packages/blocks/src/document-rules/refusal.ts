/** Code of a refused update: those of the wire's rejection codes that are about documents. */
export type BlocksRefusalCode =
  | 'bad_update'
  | 'forbidden_actor'
  | 'forbidden_source'
  | 'bad_claim'
  | 'foreign_run'
  | 'forged_skeleton'
  | 'client_id_owned'
  | 'too_deep'
  | 'too_costly'
  | 'too_large'

export interface BlocksRefusal {
  readonly code: BlocksRefusalCode
  /** Explanation for the person who reads the client's log: the fault, and what to do. */
  readonly reason: string
  /** True for a refusal by an estimate of the cost: who has tried the update elsewhere may say `isTried`. */
  readonly isEstimate?: boolean
  /** True where another writer's edits stand under a client id for good, so that no later attempt helps. */
  readonly isLasting?: boolean
}

/** The sender of an update. */
export interface BlocksWriter {
  readonly actor: string
  readonly source: string
  /** Sources that the sender may speak for; undefined for any. */
  readonly sources: readonly string[] | undefined
  /** False in development mode: claims may name any actor and client ids have no owners. */
  readonly isAuthenticated: boolean
  /** True if the update may hold edits of others that the server has lost. Nobody comes to own a client id by such an update. */
  readonly mayRelay?: boolean
  /** The client id that the writer's connection announced as its document's own; undefined when it announced none. */
  readonly ownId?: number | undefined
  /** True for a client's answer to SyncStep1: it holds everything that the client has, also edits of others. */
  readonly isAnswer?: boolean
  /** True for a piece of a larger update, which says nothing about the others: it binds no client id but the sender's own. */
  readonly isPart?: boolean
  /** True for an update that was tried on a copy of the document: estimates of its cost do not refuse it. */
  readonly isTried?: boolean
}

export function refuse(code: BlocksRefusalCode, reason: string): BlocksRefusal {
  return { code, reason }
}

/** The refusal of edits in a block whose name's client id another writer has used. */
export function refuseSquatted(): BlocksRefusal {
  const reason =
    'The update creates a block by name, but a writer has used the client id of its skeleton: create the block again, in a document that has the server’s edits'
  return { ...refuse('client_id_owned', reason), isLasting: true }
}
