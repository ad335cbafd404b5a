export type {
  AdapterKind,
  AdapterWorld,
  CallContext,
  Observed,
  ResourceAdapter,
  ResourceRef,
  SyncContext,
} from './adapters/adapter.ts'
export { observeSagaOf, sagasOf } from './adapters/adapter-sagas.ts'
export { ADAPTER_KINDS } from './adapters/kinds.ts'
export { type ConfiguredAdapter, type ResourcesConfig, readResourcesConfig } from './config/read-config.ts'
export { secretName } from './config/secret-name.ts'
export { EGRESS_LIMITS, Egress, type EgressAnswer, type EgressOptions, type EgressRequest } from './egress/egress.ts'
export { EgressError, type RefusedWhy } from './egress/egress-error.ts'
export type { HookEntry } from './hooks/hook-fold.ts'
export { Inbox, type InboxOptions } from './hooks/inbox.ts'
export { SIGNATURE_LIMITS, signStandard, verify } from './hooks/signatures.ts'
export { type FailureClass, ResourceError, type ResourceErrorCode } from './resource-error.ts'
export { type Environment, Secrets, variableOf } from './secrets/secrets.ts'
