export { type Durability, LogError, type LogRecord, type Lsn } from '@joinery/log'
export { LEASE_TOKEN_LENGTH_MAX, parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
export { AnnouncedIds, type KeptTab } from './content/announced-ids.ts'
export { digestOfDocument } from './content/document-digest.ts'
export {
  type DocumentRules,
  type LostConflict,
  type Observed,
  openRules,
  type Refusal,
  type RuledDocument,
  type ShownChange,
  UNRULED,
  type Writer,
} from './content/document-rules.ts'
export { alwaysMine, type Hold, type Ownership } from './content/ownership.ts'
export type { Pace, Past, Point } from './content/past.ts'
export { originOf, type RecordOrigin, relaying } from './content/relayed-record.ts'
export { makeServerDoc } from './content/server-doc.ts'
export { type Stamp, Stamps } from './content/stamps.ts'
export { isWholeStateVector } from './content/state-vector.ts'
export { isAboutMemory, whyCostly } from './content/trials/load-trials.ts'
export { UpdateEncoding } from './content/update-encoding.ts'
export { formatOfUpdate, type UpdateFormat } from './content/update-format.ts'
export { splitUpdate } from './content/update-parts.ts'
export { Counters } from './counters.ts'
export { clientAddressOf, type Placement, type Route } from './edge/placement.ts'
export { allowsOrigin, isForeignHost, isLoopbackHost, isOrigin, type Origins } from './edge/request-origin.ts'
export { createServer, type Server, type ServerOptions } from './edge/server.ts'
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
export { type HeadLog, type KnownHead, SignedHeads, type SignedHeadsOptions } from './inside/signed-heads.ts'
export type { Release } from './inside/system-logs.ts'
export type { TailOptions, Tails } from './inside/tail.ts'
export type { FateListener, WorkspaceFate } from './inside/workspace-fates.ts'
export type { HeldLease, WorkspaceLeases } from './inside/workspace-leases.ts'
export {
  type LogUpkeep,
  type RefusedUpdate,
  type Repeated,
  type WorkspaceEdit,
  type WorkspacePosition,
  Workspaces,
  type WorkspaceUpdate,
  type WorkspaceView,
  type Written,
} from './inside/workspaces.ts'
export { JWKS_LIMITS, type JwksLimits } from './jwks.ts'
export { isLeaseName, isLeaseText, LEASE_BOUNDS, LEASE_NAME_RULE, type Lease } from './leases/lease.ts'
export type { Acquired, LeaseRequest, LeaseView } from './leases/lease-book.ts'
export { LEASES_LOG, tryLeaseJournal } from './leases/lease-journal.ts'
export { Leases, type LeasesOptions } from './leases/leases.ts'
export type { Costs, Payer } from './ledger.ts'
export { SERVER_LIMITS, type ServerLimits } from './limits.ts'
export { endpointPayer, programPayer } from './program-payer.ts'
export { type QuotaLimits, Quotas, type QuotasOptions, type QuotaUse, secondsToTomorrow } from './quotas.ts'
export { type Revocation, Revocations, type RevocationsOptions } from './revocations.ts'
export type { BringRefusal } from './room/brought-update.ts'
export type { RecordListener, RecordPlace } from './room/record-listeners.ts'
export type { RoomEdit } from './room/room-edit.ts'
export { moved, ServerError, type ServerErrorCode } from './server-error.ts'
export { type QueueBound, type StartedMax, type Turn, Turns } from './turns.ts'
