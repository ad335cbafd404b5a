export { DelegatingLog, DelegatingStore, StoreBoundLog } from './delegating-store.ts'
export { describeFencing, describeLateRefusal, type FencedScene, type LateScene } from './fencing-contract.ts'
export { FencingStore } from './fencing-store.ts'
export { describeEventStore } from './store-contract.ts'
