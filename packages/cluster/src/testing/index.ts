export { describeEngine, type EngineScene } from './engine-contract.ts'
export { describeInterfaces, type InterfacesScene } from './interfaces-contract.ts'
export { NatsServer, natsServerPath } from './nats-servers.ts'
export { describeNodes } from './nodes-contract.ts'
