/**
 * Close codes of the wire. 4400–4499 are final: y-websocket 3.1 and Joinery's SDK stop and tell a person. 1012 and 1013
 * are transient: reconnect with back-off.
 */
export const CLOSE = {
  /** The frame could not be read: a text frame, garbage, a Yjs V2 update. */
  badFrame: 4400,
  /** No token, or one that is malformed, expired, or signed by somebody else. */
  unauthorized: 4401,
  /** The token is good but does not allow this: another workspace, a write on a read-only connection, a forged claim. */
  forbidden: 4403,
  /** The path is no workspace name. */
  badWorkspace: 4404,
  /** The client's local copy belongs to another generation of this workspace: it must set it aside and start anew. */
  generationMismatch: 4409,
  /** The stored workspace is damaged; the operator has to look (`joinery verify`). */
  quarantined: 4410,
  /** The workspace was deleted: the client keeps its local copy aside and does not come back. */
  workspaceDeleted: 4411,
  /** A frame over its size limit. Sending it again would fail again. */
  tooLarge: 4413,
  /** Frames come faster than the rate limit for longer than its burst. */
  tooFast: 4429,
  /** The server goes down for a restart. Reconnect. */
  restart: 1012,
  /** The server can't serve this now (a load failed, the client reads too slowly). Reconnect later. */
  tryLater: 1013,
} as const

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE]

/** True when reconnecting can't help: the 4400–4499 band. */
export function isFinalCloseCode(code: number): boolean {
  return code >= 4400 && code < 4500
}
