export { LogError, type LogRecord, type Lsn } from '@joinery/log'
export { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
export { Counters } from './counters.ts'
export {
  type DocumentRules,
  type LostConflict,
  type Observed,
  openRules,
  type Refusal,
  type ShownChange,
  type Writer,
} from './document-rules.ts'
export {
  type Authenticator,
  type AuthenticatorKeys,
  type Credentials,
  createAuthenticator,
  developmentAuthenticator,
  type Identity,
  IdentityError,
  type IdentityErrorCode,
  signToken,
  type TokenClaims,
} from './identity.ts'
export { SERVER_LIMITS, type ServerLimits } from './limits.ts'
export type { Past, Point } from './past.ts'
export type { RoomEdit } from './room-edit.ts'
export { createServer, type Server, type ServerOptions } from './server.ts'
export { ServerError, type ServerErrorCode } from './server-error.ts'
export { type Stamp, Stamps } from './stamps.ts'
export { allowsOrigin, isLoopbackHost, type Origins } from './upgrade.ts'
export { type Repeated, type WorkspaceEdit, Workspaces, type WorkspaceView, type Written } from './workspaces.ts'
export type { RecordListener } from './write-path.ts'
