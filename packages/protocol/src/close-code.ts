/**
 * Close codes of the wire. 4400–4499 are final: y-websocket 3.1 and Joinery's SDK stop and tell a person. So they stand for
 * what no later attempt mends. The others are transient: reconnect with back-off.
 */
export const CLOSE = {
  /** The frame could not be read: a text frame, garbage, a Yjs V2 update. */
  badFrame: 4400,
  /** The token expired while the connection was open. Reconnect with a fresh one. */
  tokenExpired: 4001,
  /**
   * An update was refused that may pass later: after the edits of others, with another token, from a new document, or on another
   * day. Only clients without Joinery's own message are closed with it.
   */
  refusedForNow: 4003,
  /** The stored workspace takes too long to load: the operator restores or repairs it. The client keeps its copy and comes again. */
  tooCostly: 4010,
  /** The token is missing, malformed, expired, or signed with another key. */
  unauthorized: 4401,
  /** The token is valid, but does not allow this: another workspace, a write with a token for reading, a forged claim, one more workspace than a quota has. */
  forbidden: 4403,
  /** The path is no workspace name. */
  badWorkspace: 4404,
  /** The client's local copy belongs to another generation of this workspace: the client sets it aside and starts anew. */
  generationMismatch: 4409,
  /** The stored workspace is damaged: the operator runs `joinery verify`. */
  quarantined: 4410,
  /** The workspace was deleted: the client sets its local copy aside and does not reconnect. */
  workspaceDeleted: 4411,
  /** A frame is larger than its limit. Sending it again would fail again. */
  tooLarge: 4413,
  /** Frames come faster than the rate limit for longer than its burst. */
  tooFast: 4429,
  /** The server goes down for a restart: reconnect. */
  restart: 1012,
  /** The server can't serve this now (a load failed, the client reads too slowly): reconnect later. */
  tryLater: 1013,
} as const

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE]

/** True for the close codes after which reconnecting can't help: 4400 to 4499. */
export function isFinalCloseCode(code: number): boolean {
  return code >= 4400 && code < 4500
}
