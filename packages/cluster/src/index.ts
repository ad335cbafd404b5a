export { type ClusterNode, type ClusterNodeOptions, openClusterNode } from './cluster-node.ts'
export type {
  Engine,
  EngineBus,
  EngineEntry,
  EngineKeys,
  EngineLeaders,
  EngineLog,
  EngineMessage,
  EngineStorage,
  PartLeader,
  StoredMessage,
} from './engine/engine.ts'
export { EngineError, type EngineErrorCode } from './engine/engine-error.ts'
export { MemoryEngine } from './engine/memory/memory-engine.ts'
export { NATS_VERSION_MIN, type NatsEngineOptions, openNatsEngine } from './engine/nats/nats-engine.ts'
export { Patience, type PatienceOptions } from './engine/patience.ts'
export { Gateway, type GatewayCounts, type GatewayOptions } from './gateway/gateway.ts'
export { catchUp, type Place } from './history/catch-up.ts'
export { HistoryError, type HistoryErrorCode } from './history/history-error.ts'
export type { Position } from './history/position.ts'
export type { Publisher } from './history/publisher.ts'
export type { ReplicaLog } from './history/replica-log.ts'
export { type Takeover, type TakeoverOptions, takeOver } from './history/takeover.ts'
export {
  ConsensusEngine,
  type ConsensusOptions,
  type Decision,
  type ProposalStatus,
} from './interfaces/consensus-engine.ts'
export { MemoryCopies } from './interfaces/memory-copies.ts'
export { type Broadcast, type NodeHealth, NodeManager, type Topology } from './interfaces/node-manager.ts'
export {
  type ClusterInterfaces,
  type Deployment,
  type InterfacesOptions,
  openInterfaces,
} from './interfaces/open-interfaces.ts'
export {
  type Copies,
  type CopyState,
  StateSynchronizer,
  type StateSynchronizerOptions,
} from './interfaces/state-synchronizer.ts'
export { ClusterError, type ClusterErrorCode } from './nodes/cluster-error.ts'
export {
  type ClusterIdentity,
  clusterIdentity,
  enterIdentity,
  identityOf,
  makeIdentity,
} from './nodes/cluster-identity.ts'
export { ClusterOwnership, type Owner } from './nodes/cluster-ownership.ts'
export { type ClusterEvent, type EventCounts, Events, type Route, type RoutingRule } from './nodes/events.ts'
export { fromBytes, toBytes } from './nodes/json-value.ts'
export { type AcquireOptions, type Lock, Locks } from './nodes/locks.ts'
export { nameOfEngineName } from './nodes/names.ts'
export { type NodeInfo, Nodes, type NodesOptions } from './nodes/nodes.ts'
export { SharedTable, type SharedTableOptions } from './nodes/shared-table.ts'
export { type CheckedCopy, type CheckedLog, type CheckOptions, checkLogs } from './store/check.ts'
export {
  askForRebuild,
  Rebuild,
  type RebuildState,
  readRebuild,
  rebuildWithout,
} from './store/rebuild.ts'
export { ReplicatedLog } from './store/replicated-log.ts'
export { ReplicatedStore, type ReplicatedStoreOptions, type ReplicationCounts } from './store/replicated-store.ts'
