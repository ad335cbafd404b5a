export { describeEngine, type EngineScene } from './engine-contract.ts'
export { describeNodes } from './nodes-contract.ts'
