export { describeOwnership, type OwnershipScene } from './ownership-contract.ts'
export { ServerFixture } from './server-fixture.ts'
export { describeTail, type TailScene } from './tail-contract.ts'
